# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A session has an owner who can see and end it, and two limits that nobody moves past."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from app.auth.models import Account, AuthSession
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, UNAUTHENTICATED, problem
from tests.auth.support.credentials import Tokens, User
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS

pytestmark = pytest.mark.both_databases


async def listed(service: Service, tokens: Tokens) -> list[dict[str, Any]]:
    """Return the sessions that the owner sees."""
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    assert response.status_code == 200
    sessions: list[dict[str, Any]] = response.json()
    return sessions


async def test_the_owner_sees_the_devices_and_which_one_this_is(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    await service.login(await service.account())
    sessions = {each["id"]: each for each in await listed(service, tokens)}
    assert sessions.keys() == {tokens.claims["sid"], other.claims["sid"]}
    assert sessions[tokens.claims["sid"]]["current"] is True
    assert sessions[other.claims["sid"]]["current"] is False
    assert sessions[other.claims["sid"]].keys() == {
        "id", "current", "created_at", "last_refreshed_at", "expires_at", "user_agent", "ip",
    }  # fmt: skip


async def test_ended_and_expired_sessions_are_not_listed(
    service: Service, account: User, tokens: Tokens
) -> None:
    ended, expired = await service.login(account), await service.login(account)
    await service.client.post("/auth/logout", headers=ended.bearer)
    async with service.database() as session:
        await session.execute(
            update(AuthSession)
            .where(AuthSession.id == UUID(expired.claims["sid"]))
            .values(idle_expires_at=service.clock.now())
        )
    assert [each["id"] for each in await listed(service, tokens)] == [tokens.claims["sid"]]


async def test_the_owner_ends_one_device(service: Service, account: User, tokens: Tokens) -> None:
    lost = await service.login(account)
    path = f"/auth/sessions/{lost.claims['sid']}"
    response = await service.client.delete(path, headers=tokens.bearer)
    assert (response.status_code, response.content) == (204, b"")
    assert problem(await service.try_refresh(lost.refresh_token)) == INVALID_GRANT
    assert (await service.try_refresh(tokens.refresh_token)).status_code == 200
    async with service.database() as session:
        row = await session.get_one(AuthSession, UUID(lost.claims["sid"]))
    assert row.revoke_reason == "ended_by_owner"


@pytest.mark.skipif(not REVOKES_ACCESS_TOKENS, reason="access tokens live out their time here")
async def test_an_ended_device_is_refused_at_once(
    service: Service, account: User, tokens: Tokens
) -> None:
    lost = await service.login(account)
    path = f"/auth/sessions/{lost.claims['sid']}"
    await service.client.delete(path, headers=tokens.bearer)
    refused = await service.client.get("/auth/sessions", headers=lost.bearer)
    assert problem(refused) == INVALID_TOKEN


async def test_another_users_session_is_not_found_and_goes_on(
    service: Service, tokens: Tokens
) -> None:
    stranger = await service.login(await service.account())
    answers = [
        await service.client.delete(f"/auth/sessions/{sid}", headers=tokens.bearer)
        for sid in (stranger.claims["sid"], uuid4())
    ]
    assert {problem(answer) for answer in answers} == {(404, "not_found")}
    assert answers[0].content == answers[1].content
    assert (await service.try_refresh(stranger.refresh_token)).status_code == 200


async def test_sessions_are_for_their_owner_only(service: Service) -> None:
    assert problem(await service.client.get("/auth/sessions")) == UNAUTHENTICATED
    assert problem(await service.client.delete(f"/auth/sessions/{uuid4()}")) == UNAUTHENTICATED


async def test_a_session_ends_after_fourteen_days_without_use(fresh_service: FreshService) -> None:
    service = await fresh_service()
    account = await service.account()
    used, idle = await service.login(account), await service.login(account)
    service.clock.advance(days=14, seconds=-1)
    used = await service.refresh(used)
    service.clock.advance(seconds=1)
    assert problem(await service.try_refresh(idle.refresh_token)) == INVALID_GRANT
    service.clock.advance(days=13)
    assert (await service.try_refresh(used.refresh_token)).status_code == 200


async def test_a_session_ends_after_ninety_days_however_much_it_is_used(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    for _ in range(8):
        service.clock.advance(days=11)
        tokens = await service.refresh(tokens)
    service.clock.advance(days=2, seconds=-1)
    tokens = await service.refresh(tokens)
    async with service.database() as session:
        row = await session.get_one(AuthSession, UUID(tokens.claims["sid"]))
    assert row.absolute_expires_at - row.created_at == timedelta(days=90)
    service.clock.advance(seconds=1)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


@pytest.mark.parametrize("changes", [{"active": False}, {"token_version": 1}], ids=str)
async def test_a_session_of_a_disabled_or_changed_account_is_dead(
    service: Service, account: User, tokens: Tokens, changes: dict[str, object]
) -> None:
    async with service.database() as session:
        await session.execute(update(Account).where(Account.id == account.id).values(changes))
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


async def test_unknown_and_malformed_refresh_tokens_get_one_answer(
    service: Service, tokens: Tokens
) -> None:
    for wrong in (
        "A" * 43,
        tokens.refresh_token[:-1],
        f"{tokens.refresh_token}=",
        tokens.refresh_token.swapcase(),
        "x",
        " ",
        "\x00" * 43,
        "é" * 43,
    ):
        assert problem(await service.try_refresh(wrong)) == INVALID_GRANT, wrong
    assert problem(await service.try_refresh("A" * 5000)) == (422, "invalid_content")
    assert (await service.try_refresh(tokens.refresh_token)).status_code == 200


async def test_the_account_is_shown_to_its_owner_as_the_database_holds_it(
    service: Service, account: User, tokens: Tokens
) -> None:
    me = (await service.client.get("/auth/me", headers=tokens.bearer)).json()
    assert (me["id"], me["email"], me["email_verified"]) == (str(account.id), account.email, True)
    assert me.keys() == {"id", "email", "email_verified", "scope", "created_at"}
    async with service.database() as session:
        await session.execute(update(Account).where(Account.id == account.id).values(active=False))
    refused = await service.client.get("/auth/me", headers=tokens.bearer)
    assert problem(refused) == INVALID_TOKEN
