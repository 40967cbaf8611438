# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Strategy `database`: what is committed is refused at the next request, in every worker."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select, update

from app.auth.models import Account, Revocation
from app.auth.revocation_database import DatabaseRevocation
from app.auth.security import AccessClaims
from app.core.database import Database
from app.core.errors import ServiceUnavailable
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, User
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

pytestmark = pytest.mark.both_databases

UNAVAILABLE = (503, "temporarily_unavailable")


async def ask(service: Service, tokens: Tokens) -> tuple[int, str] | None:
    """Present an access token; return None when it is accepted and the problem otherwise."""
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    return None if response.status_code == 200 else problem(response)


def strategy(service: Service) -> DatabaseRevocation:
    """Return the strategy of the running app."""
    revocation = service.auth.stores.revocation
    assert isinstance(revocation, DatabaseRevocation)
    return revocation


def read_claims(service: Service, tokens: Tokens) -> AccessClaims:
    """Return the claims of an access token, verified."""
    auth = service.auth
    return auth.verified_tokens.verify(tokens.access_token, auth.clock.now()).claims


@contextmanager
def statements(service: Service) -> Generator[list[str]]:
    """Note what the app asks of the table of denials until the block ends."""
    sent: list[str] = []

    def see(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "FROM revocation" in statement:
            sent.append(statement)

    database: Database = service.app.state.database
    event.listen(database.engine.sync_engine, "before_cursor_execute", see)
    try:
        yield sent
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", see)


async def deny(service: Service, kind: str, value: str) -> None:
    """Record a denial as another worker does."""
    now = service.clock.now()
    expires_at = now + timedelta(minutes=15)
    async with service.database() as session:
        session.add(Revocation(kind=kind, value=value, created_at=now, expires_at=expires_at))


async def test_a_logged_out_access_token_is_refused_and_no_other(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    await service.client.post("/auth/logout", headers=tokens.bearer)
    assert await ask(service, tokens) == INVALID_TOKEN
    assert await ask(service, other) is None


async def test_a_denied_token_is_refused_and_its_siblings_are_not(
    service: Service, tokens: Tokens
) -> None:
    sibling = await service.refresh(tokens)
    await deny(service, "jti", tokens.claims["jti"])
    assert await ask(service, tokens) == INVALID_TOKEN
    assert await ask(service, sibling) is None


async def test_a_denied_session_is_refused_with_all_its_tokens(
    service: Service, tokens: Tokens
) -> None:
    sibling = await service.refresh(tokens)
    await deny(service, "sid", tokens.claims["sid"])
    assert await ask(service, tokens) == INVALID_TOKEN
    assert await ask(service, sibling) == INVALID_TOKEN


async def test_an_id_is_denied_in_its_own_kind_only(service: Service, tokens: Tokens) -> None:
    await deny(service, "jti", tokens.claims["sid"])
    await deny(service, "sid", tokens.claims["jti"])
    assert await ask(service, tokens) is None


@pytest.mark.parametrize("changes", [{"active": False}, {"token_version": 1}], ids=str)
async def test_a_change_of_the_account_refuses_what_was_issued_before(
    service: Service, account: User, tokens: Tokens, changes: dict[str, object]
) -> None:
    async with service.database() as session:
        await session.execute(update(Account).where(Account.id == account.id).values(changes))
    assert await ask(service, tokens) == INVALID_TOKEN


async def test_a_deleted_account_is_refused(service: Service, tokens: Tokens) -> None:
    await service.client.delete("/auth/me", headers=tokens.bearer)
    assert await ask(service, tokens) == INVALID_TOKEN


async def test_a_denial_holds_without_being_delivered_anywhere(
    service: Service, tokens: Tokens
) -> None:
    await service.client.post("/auth/logout", headers=tokens.bearer)
    async with service.database() as session:
        of_session = Revocation.value == str(UUID(tokens.claims["sid"]))
        (denial,) = await session.scalars(select(Revocation).where(of_session))
    assert denial.delivered_at is None
    assert await ask(service, tokens) == INVALID_TOKEN


async def test_when_the_database_cannot_be_asked_the_answer_is_503(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, opened = await fresh_service(), await fresh_service(revocation_fail_open=True)
    for service, expected in ((closed, UNAVAILABLE), (opened, None)):
        tokens = await service.login(await service.account())

        async def is_away(*_: object) -> object:
            raise ServiceUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(strategy(service)._look_ups, "_ask_all", is_away)
            assert await ask(service, tokens) == expected
        assert await ask(service, tokens) is None


async def test_checks_that_come_at_once_are_one_statement_and_each_gets_its_own_answer(
    service: Service,
) -> None:
    account, other = await service.account(), await service.account()
    several = [await service.login(account) for _ in range(6)]
    gone = await service.login(other)
    await service.client.post("/auth/logout", headers=several[0].bearer)
    await deny(service, "jti", several[2].claims["jti"])
    await deny(service, "sid", several[4].claims["jti"])  # an id of another kind
    await service.client.delete("/auth/me", headers=gone.bearer)
    claims = [read_claims(service, tokens) for tokens in (*several, gone)]
    with statements(service) as sent:
        denied = await asyncio.gather(*map(strategy(service).is_denied, claims))
    assert denied == [True, False, True, False, False, False, True]
    assert len(sent) == 1


async def test_a_few_statements_serve_every_number_of_checks(
    service: Service, account: User
) -> None:
    several = [read_claims(service, await service.login(account)) for _ in range(8)]
    with statements(service) as sent:
        for number in range(1, 9):
            await asyncio.gather(*map(strategy(service).is_denied, several[:number]))
    assert len(sent) == 8
    assert len(set(sent)) == 4
