# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A scope that a route requires must be in the token, and a token holds what its account holds."""

from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import update

from app import scopes
from app.auth import Principal, create_app, requires
from app.auth.models import Account
from app.core.clock import Clock
from app.settings import Settings
from tests.auth.support.answers import INVALID_GRANT, UNAUTHENTICATED, challenge, problem
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service

INSUFFICIENT = (403, "insufficient_scope")
SCOPES = {"parcels:read": "See parcels.", "parcels:write": "Change parcels."}


@pytest.fixture
async def scoped(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service whose routes ask for scopes of its own, whatever yours are called."""
    for name, meaning in SCOPES.items():
        monkeypatch.setitem(scopes.SCOPES, name, meaning)
    router = APIRouter(prefix="/parcels")

    @router.get("", dependencies=[requires("parcels:read")])
    async def list_parcels() -> list[str]:
        return []

    @router.post("", dependencies=[requires("parcels:write")])
    async def make_parcel(
        user: Annotated[Principal, requires("parcels:read")],
    ) -> list[str]:
        return sorted(user.scopes)

    def build(settings: Settings, clock: Clock) -> FastAPI:
        return create_app(settings, title="Parcels", protected=[router], clock=clock)

    async with kit.running(build) as service:
        yield service


async def test_a_token_with_the_scope_is_let_in(scoped: Service) -> None:
    tokens = await scoped.login(await scoped.account("parcels:read parcels:write"))
    assert (await scoped.client.get("/parcels", headers=tokens.bearer)).status_code == 200
    response = await scoped.client.post("/parcels", headers=tokens.bearer)
    assert response.json() == ["parcels:read", "parcels:write"]


async def test_a_token_without_it_is_told_what_to_ask_for(scoped: Service) -> None:
    tokens = await scoped.login(await scoped.account("parcels:read"))
    response = await scoped.client.post("/parcels", headers=tokens.bearer)
    assert problem(response) == INSUFFICIENT
    assert challenge(response) == (
        'Bearer realm="api", error="insufficient_scope", scope="parcels:write"'
    )
    tokens = await scoped.login(await scoped.account(""))
    response = await scoped.client.get("/parcels", headers=tokens.bearer)
    assert problem(response) == INSUFFICIENT


async def test_a_login_can_ask_for_less_than_the_account_holds(scoped: Service) -> None:
    account = await scoped.account("parcels:read parcels:write")
    tokens = await scoped.login(account, scope="parcels:read")
    assert tokens.scope == tokens.claims["scope"] == "parcels:read"
    response = await scoped.client.post("/parcels", headers=tokens.bearer)
    assert problem(response) == INSUFFICIENT
    renewed = await scoped.refresh(tokens)
    assert renewed.claims["scope"] == "parcels:read"


async def test_a_scope_is_compared_as_a_whole_word(scoped: Service) -> None:
    for close in ("parcels", "parcels:read:all", "PARCELS:READ", "parcels:rea"):
        tokens = await scoped.login(await scoped.account(close))
        response = await scoped.client.get("/parcels", headers=tokens.bearer)
        assert problem(response) == INSUFFICIENT, close


async def test_no_credentials_are_401_and_not_403(scoped: Service) -> None:
    assert problem(await scoped.client.get("/parcels")) == UNAUTHENTICATED


async def test_a_scope_that_was_taken_away_is_gone_with_the_next_refresh(
    scoped: Service,
) -> None:
    account = await scoped.account("parcels:read parcels:write")
    tokens = await scoped.login(account)
    async with scoped.database() as session:
        await session.execute(
            update(Account)
            .where(Account.id == account.id)
            .values(scope="parcels:read", token_version=Account.token_version + 1)
        )
    assert problem(await scoped.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    assert (await scoped.login(account)).claims["scope"] == "parcels:read"


async def test_openapi_shows_the_scopes_of_a_route(scoped: Service) -> None:
    document = (await scoped.client.get("/openapi.json")).json()
    security = document["paths"]["/parcels"]["post"]["security"]
    named = {scope for each in security for scopes in each.values() for scope in scopes}
    assert named == {"parcels:read", "parcels:write"}


def test_a_scope_that_nobody_declared_is_an_error_at_import() -> None:
    with pytest.raises(ValueError, match="parcels:shred"):
        requires("parcels:shred")
