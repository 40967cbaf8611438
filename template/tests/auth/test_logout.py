# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Logging out ends what it says it ends: one session, or all of them, at once."""

from uuid import UUID

import pytest
from sqlalchemy import select

from app.auth.models import Account, AuthSession, Revocation
from tests.auth.support.answers import (
    INVALID_GRANT,
    INVALID_REQUEST,
    INVALID_TOKEN,
    UNAUTHENTICATED,
    problem,
)
from tests.auth.support.credentials import Tokens, User, cookie
from tests.auth.support.service import Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS


async def session_of(service: Service, tokens: Tokens) -> AuthSession:
    """Return the session of these tokens as it is stored."""
    async with service.database() as session:
        return await session.get_one(AuthSession, UUID(tokens.claims["sid"]))


async def denials_of(service: Service, value: str) -> list[Revocation]:
    """Return the recorded denials of a session or an account."""
    async with service.database() as session:
        return list(await session.scalars(select(Revocation).where(Revocation.value == value)))


@pytest.mark.both_databases
async def test_a_bearer_ends_its_own_session(service: Service, tokens: Tokens) -> None:
    response = await service.client.post("/auth/logout", headers=tokens.bearer)
    assert (response.status_code, response.content) == (204, b"")
    ended = await session_of(service, tokens)
    assert (ended.revoked_at, ended.revoke_reason) == (service.clock.now(), "logout")
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


async def test_a_refresh_token_alone_is_enough(service: Service, tokens: Tokens) -> None:
    # The access token may have expired long before the user leaves.
    service.clock.advance(minutes=30)
    body = {"refresh_token": tokens.refresh_token}
    assert (await service.client.post("/auth/logout", json=body)).status_code == 204
    assert (await session_of(service, tokens)).revoked_at == service.clock.now()
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


async def test_an_expired_access_token_beside_the_refresh_token_does_no_harm(
    service: Service, tokens: Tokens
) -> None:
    service.clock.advance(minutes=30)
    body = {"refresh_token": tokens.refresh_token}
    response = await service.client.post("/auth/logout", json=body, headers=tokens.bearer)
    assert response.status_code == 204
    assert (await session_of(service, tokens)).revoked_at == service.clock.now()


async def test_a_cookie_ends_its_session(service: Service, account: User) -> None:
    tokens = await service.cookie_login(account)
    response = await service.client.post("/auth/logout", headers=cookie(tokens.refresh_token))
    assert response.status_code == 204
    assert (await session_of(service, tokens)).revoked_at is not None


async def test_logging_out_twice_is_no_error(service: Service, tokens: Tokens) -> None:
    body = {"refresh_token": tokens.refresh_token}
    for _ in range(2):
        assert (await service.client.post("/auth/logout", json=body)).status_code == 204


async def test_an_unknown_refresh_token_is_no_error_and_ends_nothing(
    service: Service, tokens: Tokens
) -> None:
    # RFC 7009 section 2.2: the client's aim, that the token does not work, is reached already.
    body = {"refresh_token": "A" * 43}
    assert (await service.client.post("/auth/logout", json=body)).status_code == 204
    assert (await session_of(service, tokens)).revoked_at is None


async def test_logging_out_without_any_credential_is_refused(service: Service) -> None:
    assert problem(await service.client.post("/auth/logout")) in {UNAUTHENTICATED, INVALID_REQUEST}
    both = cookie("A" * 43) | {"Content-Type": "application/json"}
    response = await service.client.post(
        "/auth/logout", content=b'{"refresh_token": "' + b"B" * 43 + b'"}', headers=both
    )
    assert problem(response) == INVALID_REQUEST


async def test_logging_out_leaves_the_other_sessions_alone(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    await service.client.post("/auth/logout", headers=tokens.bearer)
    assert (await service.client.get("/auth/me", headers=other.bearer)).status_code == 200
    assert (await service.try_refresh(other.refresh_token)).status_code == 200


@pytest.mark.both_databases
async def test_logging_out_everywhere_ends_every_session_of_the_account_and_no_other(
    service: Service, account: User, tokens: Tokens
) -> None:
    second = await service.login(account)
    stranger = await service.login(await service.account())
    response = await service.client.post("/auth/logout-all", headers=tokens.bearer)
    assert (response.status_code, response.content) == (204, b"")
    for each in (tokens, second):
        assert (await session_of(service, each)).revoke_reason == "logout_all"
        assert problem(await service.try_refresh(each.refresh_token)) == INVALID_GRANT
    async with service.database() as session:
        assert (await session.get_one(Account, account.id)).token_version == 1
    assert (await service.try_refresh(stranger.refresh_token)).status_code == 200


async def test_a_login_after_logging_out_everywhere_works(
    service: Service, account: User, tokens: Tokens
) -> None:
    await service.client.post("/auth/logout-all", headers=tokens.bearer)
    again = await service.login(account)
    assert again.claims["ver"] == 1
    assert (await service.client.get("/auth/me", headers=again.bearer)).status_code == 200


async def test_logging_out_everywhere_needs_an_access_token(
    service: Service, tokens: Tokens
) -> None:
    body = {"refresh_token": tokens.refresh_token}
    assert problem(await service.client.post("/auth/logout-all", json=body)) == UNAUTHENTICATED
    response = await service.client.post("/auth/logout-all", headers=cookie(tokens.refresh_token))
    assert problem(response) == UNAUTHENTICATED
    assert (await session_of(service, tokens)).revoked_at is None


@pytest.mark.both_databases
@pytest.mark.skipif(not REVOKES_ACCESS_TOKENS, reason="access tokens live out their time here")
async def test_access_tokens_are_refused_from_the_answer_on(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    await service.client.post("/auth/logout", headers=tokens.bearer)
    refused = await service.client.get("/auth/sessions", headers=tokens.bearer)
    assert problem(refused) == INVALID_TOKEN
    await service.client.post("/auth/logout-all", headers=other.bearer)
    refused = await service.client.get("/auth/sessions", headers=other.bearer)
    assert problem(refused) == INVALID_TOKEN


@pytest.mark.both_databases
async def test_every_strategy_records_the_denial_for_as_long_as_a_token_may_live(
    service: Service, account: User, tokens: Tokens
) -> None:
    # With `none` too: a later change of the strategy has its source.
    other = await service.login(account)
    await service.client.post("/auth/logout", headers=tokens.bearer)
    await service.client.post("/auth/logout-all", headers=other.bearer)
    (of_session,) = await denials_of(service, tokens.claims["sid"])
    (of_account,) = await denials_of(service, str(account.id))
    assert (of_session.kind, of_account.kind, of_account.version) == ("sid", "sub", 1)
    for denial in (of_session, of_account):
        # 15 minutes, 30 s of leeway, 5 s.
        assert (denial.expires_at - service.clock.now()).total_seconds() == 900 + 30 + 5


async def test_a_page_of_another_origin_cannot_log_a_browser_out(
    service: Service, account: User
) -> None:
    tokens = await service.cookie_login(account)
    headers = cookie(tokens.refresh_token) | {
        "Sec-Fetch-Site": "cross-site",
        "Origin": "https://attacker.example",
    }
    assert problem(await service.client.post("/auth/logout", headers=headers))[0] == 403
    assert (await session_of(service, tokens)).revoked_at is None
