# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Logging in, refreshing, logging out."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response

from app.auth import logout, service
from app.auth.cookies import (
    REFRESH_COOKIE,
    RefreshCookieRefused,
    clear_refresh_cookie,
    require_same_origin,
    set_device_cookie,
    set_refresh_cookie,
)
from app.auth.dependencies import CurrentUser, authenticate
from app.auth.errors import CredentialRefused
from app.auth.issuing import IssuedTokens
from app.auth.login_limits import new_device, recognise_device
from app.auth.passwords import MAX_PASSWORD_CHARACTERS
from app.auth.routes.requests import (
    AuthParts,
    RequestClient,
    SingleFields,
    presented_refresh_token,
)
from app.auth.runtime import Auth
from app.auth.schemas import (
    MAX_EMAIL_CHARACTERS,
    AccessToken,
    Login,
    RefreshRequest,
    TokenPair,
    parse_email,
)
from app.core.errors import InvalidGrant, InvalidRequest
from app.core.problem_schema import problems
from app.core.public import public

router = APIRouter(prefix="/auth", tags=["auth"])
protected_router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/token", dependencies=[SingleFields], responses=problems(400, 422, 429, 503))
@public(reason="It is the login: the password in the form is the credential.")
async def log_in_by_form(
    auth: AuthParts,
    client: RequestClient,
    response: Response,
    username: Annotated[str, Form(max_length=MAX_EMAIL_CHARACTERS)],
    password: Annotated[str, Form(max_length=MAX_PASSWORD_CHARACTERS)],
    scope: Annotated[str, Form(max_length=2000)] = "",
    grant_type: Annotated[Literal["password"], Form()] = "password",
) -> TokenPair:
    """Log in with the form of RFC 6749 section 4.3: first party only, no grant for others."""
    email = parse_email(username)
    issued = await service.log_in(auth, email, password, scope or None, client)
    _remember_device(response, auth, email, client)
    return _pair(issued)


@router.post("/session", responses=problems(400, 403, 422, 429, 503))
@public(reason="It is the login: the password in the body is the credential.")
async def log_in_with_cookie(
    request: Request, response: Response, auth: AuthParts, client: RequestClient, login: Login
) -> AccessToken:
    """Log in from a browser: the refresh token comes as an HttpOnly cookie, never in the body."""
    require_same_origin(request, auth)
    issued = await service.log_in(auth, login.email, login.password, login.scope, client)
    if before := request.cookies.get(REFRESH_COOKIE):
        # The cookie is about to be replaced: nobody could end that session here any more.
        await logout.log_out_by_refresh_token(auth, before, client.address)
    set_refresh_cookie(response, issued.refresh_token, issued.session_expires_at)
    _remember_device(response, auth, login.email, client)
    return AccessToken(
        access_token=issued.access_token, expires_in=issued.expires_in, scope=issued.scope
    )


@router.post(
    "/refresh",
    response_model=TokenPair | AccessToken,
    responses=problems(400, 403, 409, 422, 429, 503),
)
@public(reason="The refresh token in the body or the cookie is the credential.")
async def refresh(
    request: Request,
    response: Response,
    auth: AuthParts,
    client: RequestClient,
    body: RefreshRequest | None = None,
) -> TokenPair | AccessToken:
    """Exchange a refresh token for new tokens, over the transport on which it came."""
    presented, from_cookie = presented_refresh_token(request, auth, body)
    if presented is None:
        raise InvalidRequest
    if not from_cookie:
        return _pair(await service.refresh(auth, presented, client))
    try:
        issued = await service.refresh(auth, presented, client)
    except InvalidGrant as error:
        raise RefreshCookieRefused from error
    set_refresh_cookie(response, issued.refresh_token, issued.session_expires_at)
    return AccessToken(
        access_token=issued.access_token, expires_in=issued.expires_in, scope=issued.scope
    )


@router.post("/logout", status_code=204, responses=problems(400, 401, 403, 422, 429, 503))
@public(reason="The refresh token is enough, so that an expired access token does no harm.")
async def log_out(
    request: Request,
    response: Response,
    auth: AuthParts,
    client: RequestClient,
    body: RefreshRequest | None = None,
) -> None:
    """End this session, by its refresh token or by a bearer token."""
    presented, _ = presented_refresh_token(request, auth, body)
    if presented is not None:
        await logout.log_out_by_refresh_token(auth, presented, client.address)
    else:
        principal = await authenticate(request)
        if principal.session_id is None:
            raise CredentialRefused
        await logout.log_out(auth, principal.session_id)
    clear_refresh_cookie(response)


@protected_router.post("/logout-all", status_code=204, responses=problems(400, 401, 503))
async def log_out_everywhere(response: Response, auth: AuthParts, user: CurrentUser) -> None:
    """End every session of this account."""
    await logout.log_out_everywhere(auth, user.account_id)
    clear_refresh_cookie(response)


def _pair(issued: IssuedTokens) -> TokenPair:
    return TokenPair(
        access_token=issued.access_token,
        expires_in=issued.expires_in,
        scope=issued.scope,
        refresh_token=issued.refresh_token,
    )


def _remember_device(response: Response, auth: Auth, email: str, client: service.Client) -> None:
    if recognise_device(auth, email, client.device) is None:
        set_device_cookie(response, new_device(auth, email))
