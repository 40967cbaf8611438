# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""From a request to the caller: three hops from a route to the signature check.

A route takes `CurrentUser`, or `requires("items:write")` (requirements.py) when it needs a scope;
both let in access tokens and API keys. Neither touches the database, the deny-list and the first
use of a key aside; `CurrentAccount` loads the account where a route needs it.
"""

import time
from collections.abc import Sequence
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
from app.auth.security import UNKNOWN_KID, TokenRejected
from app.auth.verified_tokens import Verified
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


_PRINCIPAL = "gatehouse.principal"  # in the scope of a request, which dies with it

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
    principal = await identify(connection)
    require_scopes(principal, security_scopes.scopes)
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


async def identify(connection: HTTPConnection) -> Principal:
    """Return the caller by the request's token or key, verified once a request.

    Raises:
        AppError: as `get_current_user`, but for scopes.
    """
    principal = known_principal(connection)
    if principal is None:
        principal = await authenticate(connection)
        connection.scope[_PRINCIPAL] = principal  # router, route and its dependencies ask for it
    return principal


def known_principal(connection: HTTPConnection) -> Principal | None:
    """Return the caller of a request that has been authenticated."""
    principal: Principal | None = connection.scope.get(_PRINCIPAL)
    return principal


def require_scopes(principal: Principal, scopes: Sequence[str]) -> None:
    """Refuse a caller whose credential lacks a scope.

    Raises:
        InsufficientScope: it does; the answer names all that the route requires.
    """
    if principal.scopes.issuperset(scopes):
        return
    security_event(
        "scope_denied",
        account_id=principal.account_id,
        session_id=principal.session_id,
        key_id=principal.key_id,
        missing=sorted(set(scopes) - principal.scopes),
    )
    metrics.authentication(outcome="insufficient_scope")
    raise InsufficientScope(scopes)


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
    metrics.accepted()
    return principal


async def _authenticate(connection: HTTPConnection) -> Principal:
    auth, credential = get_auth(connection), presented_credential(connection)
    if credential.is_key:
        address = partial(client_address, connection, auth.settings)
        return await auth.api_keys.authenticate(credential.text, address)
    return (await _verify(auth, credential.text)).principal


async def _verify(auth: Auth, token: str) -> Verified:
    try:
        try:
            verified = auth.verified_tokens.verify(token, auth.clock.now())
        except TokenRejected as error:
            # Only a token of our form names a key: others must not make the keys be read again.
            if error.reason != UNKNOWN_KID:
                raise
            await auth.keyring.reload_for_unknown_kid()
            verified = auth.verified_tokens.verify(token, auth.clock.now())
    except TokenRejected as error:
        metrics.rejection(reason=error.reason)
        security_event("token_refused", reason=error.reason)
        raise InvalidToken from error
    # Whatever is remembered of a token, whether it is denied is asked anew.
    if await auth.stores.revocation.is_denied(verified.claims):
        metrics.rejection(reason="revoked")
        security_event("token_refused", reason="revoked", session_id=verified.claims.session_id)
        raise InvalidToken
    return verified
