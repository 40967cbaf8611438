# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""An account that is disabled, changed or logged out is refused by each guard alone (ASVS 7.4.2).

Disabling sets one column, raises the version, ends the sessions and deletes the open codes, in one
transaction. Any one of these would do: here each stands alone, set by a statement of its own.
"""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from app.auth import administration
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, problem
from tests.auth.support.credentials import PASSWORD, Tokens, User, new_email
from tests.auth.support.mails import secret_in
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

NEW_PASSWORD = "velvet-Harbor-31-quince"
GUARDS = {
    "inactive": "UPDATE account SET active = false",
    "another version": "UPDATE account SET token_version = token_version + 1",
    "session revoked": "UPDATE auth_session SET revoked_at = created_at",
    "session idle": "UPDATE auth_session SET idle_expires_at = created_at",
    "session too old": "UPDATE auth_session SET absolute_expires_at = created_at",
}


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_refresh_is_refused_by_each_guard_alone(
    fresh_service: FreshService, guard: str
) -> None:
    service = await fresh_service()
    user = await service.account()
    unused, used = await service.login(user), await service.login(user)
    await service.refresh(used)
    await service.sql(GUARDS[guard])
    # The one that was not used yet, and the repetition of the one that was.
    for tokens in (unused, used):
        answer = await service.try_refresh(tokens.refresh_token)
        assert problem(answer) == INVALID_GRANT
    assert await service.mails(user.email) == []  # and no theft: its owner lost nothing


@pytest.mark.parametrize("guard", ["inactive", "another version"])
async def test_a_route_that_loads_the_account_is_refused_by_each_guard_alone(
    fresh_service: FreshService, guard: str
) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    await service.sql(GUARDS[guard])
    for method, path in (("GET", "/auth/me"), ("DELETE", "/auth/me")):
        response = await service.client.request(method, path, headers=tokens.bearer)
        assert problem(response) == INVALID_TOKEN


Try = Callable[[Service, User, Tokens], Awaitable[httpx2.Response]]


async def log_in(service: Service, user: User, tokens: Tokens) -> httpx2.Response:
    """Log in with the right password."""
    form = {"username": user.email, "password": user.password}
    return await service.client.post("/auth/token", data=form)


async def log_in_with_cookie(service: Service, user: User, tokens: Tokens) -> httpx2.Response:
    """Log in from a browser with the right password."""
    body = {"email": user.email, "password": user.password}
    headers = {"Sec-Fetch-Site": "same-origin"}
    return await service.client.post("/auth/session", json=body, headers=headers)


@pytest.mark.parametrize("attempt", [log_in, log_in_with_cookie])
async def test_an_inactive_account_takes_no_login(
    fresh_service: FreshService, attempt: Try
) -> None:
    service = await fresh_service()
    user = await service.account()
    tokens = await service.login(user)
    await service.sql(GUARDS["inactive"])
    assert problem(await attempt(service, user, tokens)) == INVALID_GRANT
    assert len(await service.sql("SELECT id FROM auth_session")) == 1


async def codes_of(service: Service, user: User, tokens: Tokens) -> tuple[str, str]:
    """Return a code that sets a password, and one that changes the address."""
    moving = new_email()
    await service.client.post("/auth/password/forgot", json={"email": user.email})
    await service.client.post("/auth/email/change", json={"email": moving}, headers=tokens.bearer)
    (reset,) = [m for m in await service.mails(user.email) if "Set a new" in m.subject]
    return secret_in(reset), await service.mailed_secret(moving)


async def require_worthless(service: Service, codes: tuple[str, str], *passwords: str) -> None:
    """Check that neither code does anything."""
    reset, move = codes
    before = await service.sql("SELECT email, password_hash, token_version FROM account")
    body = {"token": reset, "password": "marzipan-Quarry-17-violet"}
    assert problem(await service.client.post("/auth/password/reset", json=body)) == INVALID_GRANT
    for password in passwords:
        body = {"token": move, "password": password}
        response = await service.client.post("/auth/email/verify", json=body)
        assert problem(response) == INVALID_GRANT
    assert await service.sql("SELECT email, password_hash, token_version FROM account") == before


async def test_the_codes_of_an_inactive_account_are_worthless(fresh_service: FreshService) -> None:
    service = await fresh_service()
    user = await service.account()
    codes = await codes_of(service, user, await service.login(user))
    await service.sql(GUARDS["inactive"])
    await require_worthless(service, codes, PASSWORD)


End = Callable[[Service, User, Tokens], Awaitable[object]]


async def log_out_everywhere(service: Service, user: User, tokens: Tokens) -> object:
    """End every session."""
    return await service.client.post("/auth/logout-all", headers=tokens.bearer)


async def change_password(service: Service, user: User, tokens: Tokens) -> object:
    """Set another password with the current one."""
    body = {"current_password": user.password, "password": NEW_PASSWORD}
    return await service.client.post("/auth/password/change", json=body, headers=tokens.bearer)


async def disable_and_enable(service: Service, user: User, tokens: Tokens) -> None:
    """Disable the account, and let it in again."""
    await administration.disable(service.auth, user.id)
    await administration.enable(service.auth, user.id)


async def take_scope_away(service: Service, user: User, tokens: Tokens) -> None:
    """Let the account do less."""
    account = await administration.find_account(service.auth, user.email)
    await administration.set_scope(service.auth, account, "items:read")


async def delete_account(service: Service, user: User, tokens: Tokens) -> object:
    """Delete the account."""
    return await service.client.delete("/auth/me", headers=tokens.bearer)


@pytest.mark.parametrize(
    "end",
    [log_out_everywhere, change_password, disable_and_enable, take_scope_away, delete_account],
)
async def test_no_open_code_survives_what_ends_every_session(
    fresh_service: FreshService, end: End
) -> None:
    service = await fresh_service()
    user = await service.account()
    tokens = await service.login(user)
    codes = await codes_of(service, user, tokens)
    await end(service, user, tokens)
    assert await service.sql("SELECT secret_hash FROM single_use_secret") == []
    await require_worthless(service, codes, PASSWORD, NEW_PASSWORD)
