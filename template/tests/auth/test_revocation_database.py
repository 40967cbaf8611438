# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Strategy `database`: what is committed is refused at the next request, in every worker."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.models import Account, Revocation
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
            patch.setattr(AsyncSession, "scalar", is_away)
            assert await ask(service, tokens) == expected
        assert await ask(service, tokens) is None
