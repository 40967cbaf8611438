# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""From a request to the caller: three hops from a route to the signature check.

A route takes `CurrentUser`, or `requires("items:write")` when it needs a scope. Neither touches the
database, the deny-list aside; `CurrentAccount` loads the account where a route needs it.
"""

import time
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from starlette.requests import HTTPConnection

from app.auth import accounts, metrics
from app.auth.errors import RECENT_LOGIN_SECONDS, LoginNotRecent
from app.auth.models import Account
from app.auth.principal import Principal
from app.auth.runtime import Auth, get_auth
from app.auth.security import AccessClaims, TokenRejected, read_key_id, verify_access_token
from app.core.errors import (
    AppError,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    Unauthenticated,
)
from app.core.logging import security_event
from app.scopes import SCOPES


class _LoginScheme(OAuth2PasswordBearer):
    """For OpenAPI and the docs page's Authorize button; the header is read by `_bearer_token`."""

    async def __call__(self, request: HTTPConnection) -> None:
        """Do nothing; FastAPI's own takes no WebSocket, hence the wider argument."""


_scheme = _LoginScheme(tokenUrl="/auth/token", scopes=SCOPES, auto_error=False)


async def get_current_user(
    connection: HTTPConnection,
    security_scopes: SecurityScopes,
    _: Annotated[None, Depends(_scheme)],
) -> Principal:
    """Return the caller.

    Raises:
        Unauthenticated: no bearer token came.
        InvalidRequest: two came, or a malformed one (RFC 6750 section 3.1).
        InvalidToken: any check failed; one answer for all.
        InsufficientScope: the token lacks a scope that the route requires.
        ServiceUnavailable: whether the token is revoked cannot be known.
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
            missing=sorted(missing),
        )
        metrics.authentication(outcome="insufficient_scope")
        raise InsufficientScope(security_scopes.scopes)
    return principal


CurrentUser = Annotated[Principal, Depends(get_current_user)]


async def get_current_user_from_db(connection: HTTPConnection, principal: CurrentUser) -> Account:
    """Return the caller's account as the database holds it now.

    Raises:
        InvalidToken: the account is not active, or the token is of an older version.
    """
    async with get_auth(connection).database.read() as session:
        account = await accounts.find_active(session, principal.account_id)
    if account is None or account.token_version > principal.token_version:
        raise InvalidToken
    return account


CurrentAccount = Annotated[Account, Depends(get_current_user_from_db)]


def requires(*scopes: str) -> Any:
    """Return the dependency that lets in only callers with all these scopes.

    Use it in a decorator, `dependencies=[requires("items:write")]`, or for the caller itself,
    `user: Annotated[Principal, requires("items:write")]`.

    Raises:
        ValueError: a scope that app/scopes.py does not declare; at import, not at midnight.
    """
    if unknown := set(scopes) - SCOPES.keys():
        raise ValueError(f"scopes that app/scopes.py does not declare: {sorted(unknown)}")
    return Security(get_current_user, scopes=scopes)


async def require_recent_login(connection: HTTPConnection, principal: CurrentUser) -> None:
    """Refuse a caller whose login is older than 10 minutes (RFC 9470, ASVS 7.5.1).

    Raises:
        LoginNotRecent: log in again first.
    """
    age = get_auth(connection).clock.now() - principal.auth_time
    if age > timedelta(seconds=RECENT_LOGIN_SECONDS):
        raise LoginNotRecent


async def authenticate(connection: HTTPConnection) -> Principal:
    """Return the caller by the request's bearer token; for a route, use `CurrentUser`.

    Raises:
        AppError: as `get_current_user`, but for scopes.
    """
    started = time.perf_counter()
    try:
        claims = await _verify(get_auth(connection), _bearer_token(connection))
    except AppError as error:
        metrics.authentication(outcome=error.error)
        raise
    finally:
        metrics.AUTHENTICATION_SECONDS.observe(time.perf_counter() - started)
    metrics.authentication(outcome="accepted")
    return Principal(
        account_id=claims.subject,
        scopes=frozenset(claims.scope.split()),
        session_id=claims.session_id,
        auth_time=claims.auth_time,
        token_version=claims.version,
    )


def _bearer_token(connection: HTTPConnection) -> str:
    """Return the token of the one Authorization header (RFC 6750 section 2.1)."""
    values = connection.headers.getlist("authorization")
    if not values:
        raise Unauthenticated
    if len(values) > 1:
        raise InvalidRequest
    scheme, _, token = values[0].partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    if not token or " " in token or "," in token:
        raise InvalidRequest
    return token


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
