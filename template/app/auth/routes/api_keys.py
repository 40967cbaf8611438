# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The API keys of an account; no key can manage keys, see `create_app`."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from app.auth import api_key_service
from app.auth.api_key_models import ApiKey
from app.auth.api_key_schemas import ApiKeyRequest, ApiKeyView, NewApiKey
from app.auth.api_key_service import Creator, MadeKey
from app.auth.dependencies import CurrentUser, require_recent_login
from app.auth.limits import API_KEY_CREATE
from app.auth.principal import Principal
from app.auth.routes.requests import AuthParts
from app.core.problem_schema import problems

router = APIRouter(prefix="/auth/api-keys", tags=["auth"])

PublicId = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{12}$")]


@router.post(
    "",
    status_code=201,
    # A stolen access token lives minutes; it must not become a key that lives months.
    dependencies=[Depends(require_recent_login)],
    responses=problems(400, 401, 403, 409, 422, 429, 503),
)
async def create_key(auth: AuthParts, user: CurrentUser, body: ApiKeyRequest) -> NewApiKey:
    """Make an API key and show it once; needs a login of the last 10 minutes."""
    await auth.count(API_KEY_CREATE, str(user.account_id))
    days = body.expires_in_days
    lifetime = None if days is None else timedelta(days=days)
    made = await api_key_service.create(auth, _creator(user), body.label, body.scope, lifetime)
    return _show(made, auth.clock.now())


@router.get("", responses=problems(400, 401, 403, 503))
async def list_keys(auth: AuthParts, user: CurrentUser) -> list[ApiKeyView]:
    """List your API keys, the newest first, with those that ended in the last 30 days."""
    now = auth.clock.now()
    return [_view(key, now) for key in await api_key_service.list_keys(auth, user.account_id)]


@router.post(
    "/{public_id}/rotate",
    status_code=201,
    dependencies=[Depends(require_recent_login)],
    responses=problems(400, 401, 403, 404, 409, 422, 429, 503),
)
async def rotate_key(auth: AuthParts, user: CurrentUser, public_id: PublicId) -> NewApiKey:
    """Make a successor and show it once; the old key goes on for 24 hours at most."""
    await auth.count(API_KEY_CREATE, str(user.account_id))
    made = await api_key_service.rotate(auth, _creator(user), public_id)
    return _show(made, auth.clock.now())


@router.delete("/{public_id}", status_code=204, responses=problems(400, 401, 403, 404, 422, 503))
async def revoke_key(auth: AuthParts, user: CurrentUser, public_id: PublicId) -> None:
    """Revoke an API key: at once here, in every other worker within 30 seconds."""
    await api_key_service.revoke(auth, user.account_id, public_id, "revoked_by_owner")


def _creator(user: Principal) -> Creator:
    return Creator(user.account_id, user.token_version, user.scopes)


def _show(made: MadeKey, now: datetime) -> NewApiKey:
    return NewApiKey(**_view(made.row, now).model_dump(), api_key=made.text)


def _view(key: ApiKey, now: datetime) -> ApiKeyView:
    return ApiKeyView(
        id=key.id,
        label=key.label,
        scope=key.scope,
        state=api_key_service.state_of(key, now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        last_used_ip=key.last_used_ip,
    )
