# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Strategy `none`: an access token lives out its 15 minutes, and everything else ends at once."""

import pytest
from sqlalchemy import select

from app.auth.models import Revocation
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, User
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

pytestmark = pytest.mark.both_databases


async def test_a_logged_out_access_token_lives_out_its_time_and_no_longer(
    service: Service, tokens: Tokens
) -> None:
    await service.client.post("/auth/logout", headers=tokens.bearer)
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    assert response.status_code == 200
    service.clock.advance(seconds=900 + 30)
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    assert problem(response) == INVALID_TOKEN


async def test_its_session_ends_at_once(service: Service, tokens: Tokens) -> None:
    await service.client.post("/auth/logout", headers=tokens.bearer)
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


async def test_a_route_that_loads_the_account_refuses_at_once(
    service: Service, tokens: Tokens
) -> None:
    await service.client.post("/auth/logout-all", headers=tokens.bearer)
    response = await service.client.get("/auth/me", headers=tokens.bearer)
    assert problem(response) == INVALID_TOKEN


async def test_denials_are_recorded_for_a_later_change_of_the_strategy(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    await service.client.post("/auth/logout", headers=tokens.bearer)
    await service.client.post("/auth/logout-all", headers=other.bearer)
    values = {tokens.claims["sid"], str(account.id)}
    async with service.database() as session:
        rows = (await session.scalars(select(Revocation).where(Revocation.value.in_(values)))).all()
    assert {row.kind for row in rows} == {"sid", "sub"}
    assert {row.delivered_at for row in rows} == {None}


async def test_what_was_denied_before_a_process_began_stays_denied(
    fresh_service: FreshService,
) -> None:
    # As after a change from another strategy, under which that answer had been a promise.
    before = await fresh_service()
    account = await before.account()
    ended, everywhere = await before.login(account), await before.login(account)
    other = await before.login(await before.account())
    await before.client.post("/auth/logout", headers=ended.bearer)
    await before.client.post("/auth/logout-all", headers=everywhere.bearer)
    after = await fresh_service(database_url=before.settings.database_url)
    for tokens in (ended, everywhere):
        response = await after.client.get("/auth/sessions", headers=tokens.bearer)
        assert problem(response) == INVALID_TOKEN
    response = await after.client.get("/auth/sessions", headers=other.bearer)
    assert response.status_code == 200
