# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""From a request to the caller: three hops from a route to the signature check.

A route takes `CurrentUser`, or `requires("items:write")` (requirements.py) when it needs a scope;
both let in access tokens and API keys. Neither touches the database, the deny-list and the first
use of a key aside; `CurrentAccount` loads the account where a route needs it.
"""

import time
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes
from starlette.requests import HTTPConnection

from app.auth import accounts, metrics
from app.auth.credentials import API_KEY_HEADER, presented_credential
from app.auth.errors import RECENT_LOGIN_SECONDS, LoginNotRecent
from app.auth.models import Account
from app.auth.principal import Principal
from app.auth.runtime import Auth, get_auth
from app.auth.security import AccessClaims, TokenRejected, read_key_id, verify_access_token
from app.core.client_address import client_address
from app.core.errors import AppError, InsufficientScope, InvalidToken
from app.core.logging import security_event
from app.scopes import SCOPES


class _LoginScheme(OAuth2PasswordBearer):
    """For OpenAPI and the docs page's Authorize button; `credentials.py` reads the header."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Do nothing; FastAPI's own takes no WebSocket, hence the wider argument."""


class _KeyScheme(APIKeyHeader):
    """The same for API keys, which may also come as a bearer token."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Do nothing."""


_login_scheme = _LoginScheme(tokenUrl="/auth/token", scopes=SCOPES, auto_error=False)
_key_scheme = _KeyScheme(name=API_KEY_HEADER, scheme_name="APIKey", auto_error=False)


async def get_current_user(
    connection: HTTPConnection,
    security_scopes: SecurityScopes,
    _login: Annotated[None, Depends(_login_scheme)],
    _key: Annotated[None, Depends(_key_scheme)],
) -> Principal:
    """Return the caller, by an access token or an API key.

    Raises:
        Unauthenticated: no credential came.
        InvalidRequest: two came, or a malformed one (RFC 6750 section 3.1).
        InvalidToken: any check failed; one answer for all.
        InsufficientScope: the credential lacks a scope that the route requires.
        ServiceUnavailable: whether the credential is revoked cannot be known.
        TooManyRequests: unknown API keys are being tried, and this one is not known here yet.
    """
    principal = getattr(connection.state, "principal", None)
    if not isinstance(principal, Principal):
        principal = await authenticate(connection)
        connection.state.principal = principal  # the router's and the route's guard verify once
    missing = set(security_scopes.scopes) - principal.scopes
    if missing:
        security_event(
            "scope_denied",
            account_id=principal.account_id,
            session_id=principal.session_id,
            key_id=principal.key_id,
            missing=sorted(missing),
        )
        metrics.authentication(outcome="insufficient_scope")
        raise InsufficientScope(security_scopes.scopes)
    return principal


CurrentUser = Annotated[Principal, Depends(get_current_user)]


async def get_current_user_from_db(connection: HTTPConnection, principal: CurrentUser) -> Account:
    """Return the caller's account as the database holds it now.

    Raises:
        InvalidToken: the account is not active, the token is of an older version, or the key ended.
    """
    auth = get_auth(connection)
    async with auth.database.read() as session:
        account = await accounts.find_active(session, principal.account_id)
    if account is None:
        raise InvalidToken
    if principal.key_id is not None:
        current = await auth.api_keys.is_living(principal.key_id)
    else:
        current = account.token_version <= principal.token_version
    if not current:
        raise InvalidToken
    return account


CurrentAccount = Annotated[Account, Depends(get_current_user_from_db)]


async def require_recent_login(connection: HTTPConnection, principal: CurrentUser) -> None:
    """Refuse a caller whose login is older than 10 minutes (RFC 9470, ASVS 7.5.1).

    Raises:
        LoginNotRecent: log in again first; an API key never did.
    """
    now, limit = get_auth(connection).clock.now(), timedelta(seconds=RECENT_LOGIN_SECONDS)
    if principal.auth_time is None or now - principal.auth_time > limit:
        raise LoginNotRecent


async def authenticate(connection: HTTPConnection) -> Principal:
    """Return the caller by the request's token or key; for a route, use `CurrentUser`.

    Raises:
        AppError: as `get_current_user`, but for scopes.
    """
    started = time.perf_counter()
    try:
        principal = await _authenticate(connection)
    except AppError as error:
        metrics.authentication(outcome=error.error)
        raise
    finally:
        metrics.AUTHENTICATION_SECONDS.observe(time.perf_counter() - started)
    metrics.authentication(outcome="accepted")
    return principal


async def _authenticate(connection: HTTPConnection) -> Principal:
    auth, credential = get_auth(connection), presented_credential(connection)
    if credential.is_key:
        address = partial(client_address, connection, auth.settings)
        return await auth.api_keys.authenticate(credential.text, address)
    claims = await _verify(auth, credential.text)
    return Principal(
        account_id=claims.subject,
        scopes=frozenset(claims.scope.split()),
        session_id=claims.session_id,
        auth_time=claims.auth_time,
        token_version=claims.version,
    )


async def _verify(auth: Auth, token: str) -> AccessClaims:
    try:
        # Form and header first: what is no token of ours must not make the keys be read again.
        if auth.keyring.find(read_key_id(token)) is None:
            await auth.keyring.reload_for_unknown_kid()
        claims = verify_access_token(token, auth.keyring.find, auth.token_policy, auth.clock.now())
    except TokenRejected as error:
        metrics.rejection(reason=error.reason)
        security_event("token_refused", reason=error.reason)
        raise InvalidToken from error
    if await auth.stores.revocation.is_denied(claims):
        metrics.rejection(reason="revoked")
        security_event("token_refused", reason="revoked", session_id=claims.session_id)
        raise InvalidToken
    return claims
