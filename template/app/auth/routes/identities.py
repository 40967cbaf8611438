# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The logins with providers that open an account."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.auth.dependencies import CurrentUser, require_recent_login
from app.auth.oauth import flow, identities, repository
from app.auth.oauth.schemas import AuthorizationAddress, IdentityView, LinkRequest
from app.auth.routes.oauth import OAuthParts, ProviderName, give_half
from app.auth.routes.requests import AuthParts, RequestClient
from app.core.problem_schema import problems

# What opens an account is changed by its owner, who has just logged in.
_recent = [Depends(require_recent_login)]
router = APIRouter(prefix="/auth/identities", tags=["auth"])
link_router = APIRouter(prefix="/auth/oauth", tags=["auth"])


@router.get("", dependencies=_recent, responses=problems(400, 401, 403, 503))
async def list_identities(auth: AuthParts, user: CurrentUser) -> list[IdentityView]:
    """List the logins with providers of this account; needs a login of the last 10 minutes."""
    async with auth.database.read() as session:
        rows = await repository.identities_of(session, user.account_id)
    return [
        IdentityView(id=row.id, provider=row.provider, issuer=row.issuer, created_at=row.created_at)
        for row in rows
    ]


@router.delete(
    "/{identity_id}",
    status_code=204,
    dependencies=_recent,
    responses=problems(400, 401, 403, 404, 409, 422, 503),
)
async def remove_identity(auth: AuthParts, user: CurrentUser, identity_id: UUID) -> None:
    """Remove one of them, unless it is the last way into the account."""
    await identities.unlink(auth, user.account_id, identity_id)


@link_router.post(
    "/{provider}/link",
    dependencies=_recent,
    responses=problems(400, 401, 403, 404, 422, 429, 502, 503),
)
async def link(
    request: Request,
    response: Response,
    oauth: OAuthParts,
    client: RequestClient,
    user: CurrentUser,
    provider: ProviderName,
    body: LinkRequest,
) -> AuthorizationAddress:
    """Begin to link a provider to this account; the page then sends its browser there."""
    wish = flow.Wish(return_to=body.return_to, session_id=user.session_id, purpose="link")
    secrets, address = await flow.start(oauth, provider, wish, client)
    give_half(response, request, secrets)
    return AuthorizationAddress(authorization_url=address)
