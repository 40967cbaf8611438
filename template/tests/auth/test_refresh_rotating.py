# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A refresh token works once; a used one that comes back is judged by when (RFC 9700 4.14)."""

from collections.abc import Sequence
from uuid import UUID

import anyio
import pytest
from sqlalchemy import select

from app.auth import refresh_rotating
from app.auth.derived_keys import hash_secret
from app.auth.models import AuthSession, RefreshToken
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, STALE, problem
from tests.auth.support.credentials import Tokens, User, cookie
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS, SECRET_KEY

pytestmark = pytest.mark.both_databases

GRACE = 30  # seconds


async def generations(service: Service, tokens: Tokens) -> Sequence[RefreshToken]:
    """Return the refresh tokens of a session as they are stored, oldest first."""
    statement = select(RefreshToken).where(RefreshToken.session_id == UUID(tokens.claims["sid"]))
    async with service.database() as session:
        return (await session.scalars(statement.order_by(RefreshToken.generation))).all()


async def session_of(service: Service, tokens: Tokens) -> AuthSession:
    """Return the session of these tokens as it is stored."""
    async with service.database() as session:
        return await session.get_one(AuthSession, UUID(tokens.claims["sid"]))


async def test_a_live_token_gives_a_new_pair_and_is_consumed(
    service: Service, tokens: Tokens
) -> None:
    service.clock.advance(seconds=60)
    renewed = await service.refresh(tokens)
    assert renewed.refresh_token != tokens.refresh_token
    assert renewed.claims["jti"] != tokens.claims["jti"]
    assert renewed.claims["sid"] == tokens.claims["sid"]
    assert renewed.claims["auth_time"] == tokens.claims["auth_time"]
    assert renewed.claims["iat"] == tokens.claims["iat"] + 60
    first, second = await generations(service, tokens)
    assert (first.generation, second.generation) == (0, 1)
    assert first.consumed_at == service.clock.now()
    assert second.consumed_at is None


async def test_only_hashes_of_tokens_are_stored(service: Service, tokens: Tokens) -> None:
    renewed = await service.refresh(tokens)
    rows = await generations(service, tokens)
    tokens_in_order = (tokens.refresh_token, renewed.refresh_token)
    assert [row.token_hash for row in rows] == [hash_secret(token) for token in tokens_in_order]
    stored = repr([vars(row) for row in rows])
    assert not any(token in stored for token in tokens_in_order)


async def test_refreshing_leaves_the_earlier_access_token_alone(
    service: Service, tokens: Tokens
) -> None:
    await service.refresh(tokens)
    response = await service.client.get("/auth/me", headers=tokens.bearer)
    assert response.status_code == 200


async def test_a_lost_answer_is_given_again_within_the_grace_period(
    service: Service, tokens: Tokens
) -> None:
    lost = await service.refresh(tokens)
    service.clock.advance(seconds=GRACE)
    again = await service.refresh(tokens)
    assert again.refresh_token == lost.refresh_token
    assert again.claims["jti"] != lost.claims["jti"]
    assert len(await generations(service, tokens)) == 2
    assert (await service.refresh(again)).claims["sid"] == tokens.claims["sid"]


async def test_an_answer_is_repeated_three_times_and_no_more(
    service: Service, tokens: Tokens
) -> None:
    first = await service.refresh(tokens)
    repeated = [await service.refresh(tokens) for _ in range(3)]
    assert {each.refresh_token for each in repeated} == {first.refresh_token}
    assert problem(await service.try_refresh(tokens.refresh_token)) == STALE
    assert (await service.try_refresh(first.refresh_token)).status_code == 200


async def test_a_used_token_whose_successor_was_used_is_stale_within_the_grace_period(
    service: Service, tokens: Tokens
) -> None:
    second = await service.refresh(tokens)
    third = await service.refresh(second)
    service.clock.advance(seconds=GRACE)
    assert problem(await service.try_refresh(tokens.refresh_token)) == STALE
    # Nothing has changed: the honest client goes on.
    assert (await service.try_refresh(third.refresh_token)).status_code == 200


async def test_a_stale_cookie_is_left_alone(service: Service, account: User) -> None:
    tokens = await service.cookie_login(account)
    await service.refresh(await service.refresh(tokens))
    response = await service.client.post("/auth/refresh", headers=cookie(tokens.refresh_token))
    assert problem(response) == STALE
    assert "set-cookie" not in response.headers


async def test_a_used_token_after_the_grace_period_is_theft_and_ends_the_session(
    service: Service, account: User, tokens: Tokens
) -> None:
    stolen = tokens.refresh_token
    renewed = await service.refresh(tokens)
    service.clock.advance(seconds=GRACE + 1)
    assert problem(await service.try_refresh(stolen)) == INVALID_GRANT
    ended = await session_of(service, tokens)
    assert ended.revoke_reason == "refresh_token_reuse"
    assert ended.revoked_at == service.clock.now()
    assert problem(await service.try_refresh(renewed.refresh_token)) == INVALID_GRANT
    (mail,) = await service.mails(account.email)
    assert "ended" in mail.subject


async def test_theft_is_also_seen_when_the_successor_was_never_used(
    service: Service, tokens: Tokens
) -> None:
    renewed = await service.refresh(tokens)
    service.clock.advance(seconds=GRACE + 1)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    assert problem(await service.try_refresh(renewed.refresh_token)) == INVALID_GRANT


@pytest.mark.skipif(not REVOKES_ACCESS_TOKENS, reason="access tokens live out their time here")
async def test_theft_refuses_the_access_tokens_of_the_session_too(
    service: Service, tokens: Tokens
) -> None:
    renewed = await service.refresh(tokens)
    service.clock.advance(seconds=GRACE + 1)
    await service.try_refresh(tokens.refresh_token)
    for each in (tokens, renewed):
        response = await service.client.get("/auth/me", headers=each.bearer)
        assert problem(response) == INVALID_TOKEN


async def test_theft_ends_no_other_session_of_the_account(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    await service.refresh(tokens)
    service.clock.advance(seconds=GRACE + 1)
    await service.try_refresh(tokens.refresh_token)
    assert (await service.try_refresh(other.refresh_token)).status_code == 200


async def test_a_theft_that_another_request_saw_first_is_told_once(
    service: Service, account: User, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.refresh(tokens)
    service.clock.advance(seconds=GRACE + 1)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    # The second one read the session while it was alive still, and ends it after the first.

    async def was_alive(*_: object) -> bool:
        return True

    monkeypatch.setattr(refresh_rotating, "_is_alive", was_alive)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    assert len(await service.mails(account.email)) == 1


async def test_a_theft_from_an_account_without_an_address_ends_its_session_too(
    service: Service, account: User, tokens: Tokens
) -> None:
    await service.refresh(tokens)
    await service.sql("UPDATE account SET email = NULL WHERE email = :email", email=account.email)
    service.clock.advance(seconds=GRACE + 1)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    assert (await session_of(service, tokens)).revoke_reason == "refresh_token_reuse"
    assert await service.mails(account.email) == []


async def test_a_killed_token_has_no_grace_period(service: Service, tokens: Tokens) -> None:
    # Three well-known systems took "consumed" and "revoked" for one thing.
    renewed = await service.refresh(tokens)
    await service.client.post("/auth/logout", json={"refresh_token": renewed.refresh_token})
    for each in (tokens, renewed):
        assert problem(await service.try_refresh(each.refresh_token)) == INVALID_GRANT


async def test_a_token_of_an_ended_session_is_refused_without_a_theft(
    service: Service, account: User, tokens: Tokens
) -> None:
    await service.refresh(tokens)
    await service.client.post("/auth/logout", headers=tokens.bearer)
    service.clock.advance(seconds=GRACE + 1)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    assert (await session_of(service, tokens)).revoke_reason == "logout"
    assert await service.mails(account.email) == []


async def test_of_many_refreshes_at_once_all_get_the_one_successor(
    service: Service, tokens: Tokens
) -> None:
    answers: list[Tokens] = []

    async def refresh() -> None:
        answers.append(await service.refresh(tokens))

    async with anyio.create_task_group() as group:
        for _ in range(4):  # one winner and the three repetitions that are allowed
            group.start_soon(refresh)
    assert len({each.refresh_token for each in answers}) == 1
    assert len(await generations(service, tokens)) == 2


async def test_the_grace_period_is_a_setting(fresh_service: FreshService) -> None:
    service = await fresh_service(refresh_grace_period=600)
    tokens = await service.login(await service.account())
    first = await service.refresh(tokens)
    service.clock.advance(seconds=600)
    assert (await service.refresh(tokens)).refresh_token == first.refresh_token
    service.clock.advance(seconds=1)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


async def test_a_repetition_survives_a_rotation_of_the_secret_key(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    lost = await service.refresh(tokens)
    replaced = await fresh_service(
        database_url=service.settings.database_url,
        secret_key="the-next-Rw8kVq2LmXz5TnYc3BhJf7PdGs",
        secret_key_previous=SECRET_KEY,
    )
    assert (await replaced.refresh(tokens)).refresh_token == lost.refresh_token
