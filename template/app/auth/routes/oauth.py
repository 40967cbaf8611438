# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Logging in with providers: the addresses that browsers leave by and come back to."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from uuid import UUID

import httpx2
from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse

from app.auth import logout
from app.auth.cookies import REFRESH_COOKIE, require_same_origin, set_refresh_cookie
from app.auth.derived_keys import hash_secret
from app.auth.oauth import cookies, flow
from app.auth.oauth.codes import CODE_LIFETIME, exchange_code
from app.auth.oauth.http import BoundedTransport
from app.auth.oauth.offers import offer_on_docs_page
from app.auth.oauth.provider import Callback, FlowSecrets
from app.auth.oauth.settings import MAX_RETURN_ADDRESS_CHARACTERS, OAuthSettings
from app.auth.repository import find_refresh_token
from app.auth.routes.requests import AuthParts, RequestClient
from app.auth.schemas import MAX_SECRET_CHARACTERS, AccessToken, TokenPair
from app.core.application import Service
from app.core.errors import InvalidRequest
from app.core.problem_schema import problems
from app.core.public import public

MAX_CODE_CHARACTERS = 4096  # of a provider; some put much into theirs
MAX_STATE_CHARACTERS = 512  # of a client, and what its row holds
CALLBACK_PARAMETERS = ("state", "code", "iss", "error")

ProviderName = Annotated[str, Path(max_length=32)]
Text = Annotated[str | None, Query(max_length=MAX_STATE_CHARACTERS)]


@asynccontextmanager
async def _open_oauth(app: Service) -> AsyncGenerator[None, None]:
    """Make what the flow works with, once the rest of authentication is there."""
    settings = app.state.settings
    if not isinstance(settings, OAuthSettings):
        raise TypeError("Settings must derive from app.auth.wiring.AuthSettings")
    providers = settings.providers()
    offer_on_docs_page(app, providers)
    transport = BoundedTransport(httpx2.AsyncHTTPTransport())
    app.state.oauth = flow.OAuth(app.state.auth, settings, providers, transport)
    try:
        yield
    finally:
        await transport.aclose()


async def _get_oauth(connection: HTTPConnection) -> flow.OAuth:
    oauth: flow.OAuth = connection.app.state.oauth
    return oauth


OAuthParts = Annotated[flow.OAuth, Depends(_get_oauth)]

router = APIRouter(prefix="/auth/oauth", tags=["auth"], lifespan=_open_oauth)


@router.get(
    "/{provider}/login",
    status_code=303,
    response_class=RedirectResponse,
    responses=problems(400, 404, 422, 429, 502, 503),
)
@public(reason="It is the way to the login at the provider; limited by address.")
async def leave_for_provider(
    request: Request,
    oauth: OAuthParts,
    client: RequestClient,
    provider: ProviderName,
    return_to: Annotated[str | None, Query(max_length=MAX_RETURN_ADDRESS_CHARACTERS)] = None,
    response_type: Literal["cookie", "code"] = "cookie",
    code_challenge: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{43}$")] = None,
    code_challenge_method: Literal["S256"] | None = None,
    state: Text = None,
    scope: Text = None,
) -> RedirectResponse:
    """Send the browser to a provider; it ends at `return_to` with a cookie or a one-time code."""
    # Without a method the challenge would be the verifier itself (RFC 7636 section 4.3).
    if (code_challenge is None) != (code_challenge_method is None):
        raise InvalidRequest
    wish = flow.Wish(
        return_to=return_to,
        response_type=response_type,
        code_challenge=code_challenge,
        state=state,
        scope=scope,
        session_id=await _present_session(request, oauth),
    )
    secrets, address = await flow.start(oauth, provider, wish, client)
    response = RedirectResponse(address, status_code=303)
    give_half(response, request, secrets)
    return response


@router.get(
    "/{provider}/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses=problems(400, 403, 404, 409, 422, 429, 502, 503),
)
@public(reason="The state and the cookie of its flow are the credentials.")
async def come_back(
    request: Request, oauth: OAuthParts, client: RequestClient, provider: ProviderName
) -> RedirectResponse:
    """Take the browser back from a provider and let it in."""
    given = _parameters(request)
    state = given["state"] or ""
    cookie = cookies.name_of(cookies.FLOW, state)
    browser = request.cookies.get(cookie)
    secrets = FlowSecrets(state, browser) if browser else None
    callback = Callback(code=given["code"], issuer=given["iss"], error=given["error"])
    finished = await flow.finish(oauth, provider, secrets, callback, client)
    code, tokens = finished.code, finished.tokens
    address = code.add_to(finished.return_to) if code else finished.return_to
    response = RedirectResponse(address, status_code=303)
    cookies.delete_cookie(response, cookie)
    if code and code.browser:
        name = cookies.name_of(cookies.CODE, code.code)
        cookies.set_cookie(response, name, code.browser, CODE_LIFETIME)
    if tokens:
        set_refresh_cookie(response, tokens.refresh_token, tokens.session_expires_at)
    return response


@router.post(
    "/exchange",
    response_model=TokenPair | AccessToken,
    responses=problems(400, 403, 422, 429, 503),
)
@public(reason="The one-time code with its verifier or cookie is the credential.")
async def exchange(
    request: Request,
    response: Response,
    auth: AuthParts,
    client: RequestClient,
    code: Annotated[str, Form(max_length=MAX_SECRET_CHARACTERS)],
    code_verifier: Annotated[str | None, Form(max_length=MAX_SECRET_CHARACTERS)] = None,
    grant_type: Annotated[Literal["authorization_code"], Form()] = "authorization_code",
) -> TokenPair | AccessToken:
    """Exchange a one-time code: with its verifier for both tokens, or for the refresh cookie."""
    if code_verifier is not None:
        issued = await exchange_code(
            auth, code, verifier=code_verifier, browser=None, client=client
        )
        return TokenPair(
            access_token=issued.access_token,
            expires_in=issued.expires_in,
            scope=issued.scope,
            refresh_token=issued.refresh_token,
        )
    require_same_origin(request, auth)
    cookie = cookies.name_of(cookies.CODE, code)
    browser = request.cookies.get(cookie)
    issued = await exchange_code(auth, code, verifier=None, browser=browser, client=client)
    if before := request.cookies.get(REFRESH_COOKIE):
        await logout.log_out_by_refresh_token(auth, before, client.address)
    cookies.delete_cookie(response, cookie)
    set_refresh_cookie(response, issued.refresh_token, issued.session_expires_at)
    return AccessToken(
        access_token=issued.access_token, expires_in=issued.expires_in, scope=issued.scope
    )


def give_half(response: Response, request: Request, secrets: FlowSecrets) -> None:
    """Give the browser the cookie of a flow that has begun."""
    cookies.delete_surplus(response, request)
    name = cookies.name_of(cookies.FLOW, secrets.state)
    cookies.set_cookie(response, name, secrets.browser, flow.FLOW_LIFETIME)


def _parameters(request: Request) -> dict[str, str | None]:
    """Return what came in the address, each at most once (RFC 6749 section 3.1) and bounded.

    Raises:
        InvalidRequest: one came twice, or is too long for what it should be.
    """
    given: dict[str, str | None] = {}
    for name in CALLBACK_PARAMETERS:
        values = request.query_params.getlist(name)
        if len(values) > 1 or any(len(value) > MAX_CODE_CHARACTERS for value in values):
            raise InvalidRequest
        given[name] = values[0] if values else None
    return given


async def _present_session(request: Request, oauth: flow.OAuth) -> UUID | None:
    """Return the session of the refresh cookie, which is sent from pages of this site only."""
    cookie = request.cookies.get(REFRESH_COOKIE)
    if cookie is None or len(cookie) > MAX_SECRET_CHARACTERS:
        return None
    async with oauth.auth.database.read() as session:
        found = await find_refresh_token(session, hash_secret(cookie))
    return found[1].id if found else None
