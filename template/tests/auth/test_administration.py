# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What an administrator does takes effect at once, and what cannot be done is said."""

from uuid import uuid4

import pytest

from app.auth import administration
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, User, new_email
from tests.auth.support.service import Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS


async def test_an_address_gets_one_account(service: Service) -> None:
    email = new_email()
    first = await administration.create_account(service.auth, email, None, "items:read")
    with pytest.raises(administration.AdministrationError, match="has an account already"):
        await administration.create_account(service.auth, email, None, "items:read")
    assert (await administration.find_account(service.auth, email)).id == first


async def test_a_scope_that_nobody_declared_is_refused(service: Service, account: User) -> None:
    stored = await administration.find_account(service.auth, account.email)
    with pytest.raises(administration.AdministrationError, match="parcels:read"):
        await administration.set_scope(service.auth, stored, "items:read parcels:read")


async def test_disabling_an_account_that_is_not_there_changes_nothing(service: Service) -> None:
    before = await service.sql("SELECT count(*) AS number FROM revocation")
    await administration.disable(service.auth, uuid4())
    assert await service.sql("SELECT count(*) AS number FROM revocation") == before


@pytest.mark.skipif(not REVOKES_ACCESS_TOKENS, reason="access tokens live out their time here")
async def test_one_token_is_denied_and_its_siblings_are_not(
    service: Service, account: User, tokens: Tokens
) -> None:
    sibling = await service.refresh(tokens)
    await administration.deny_token(service.auth, tokens.claims["jti"])
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    assert problem(response) == INVALID_TOKEN
    response = await service.client.get("/auth/sessions", headers=sibling.bearer)
    assert response.status_code == 200
