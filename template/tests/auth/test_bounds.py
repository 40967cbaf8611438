# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Each bound is where it is said to be: the last that is accepted, and the first that is not."""

import json
from typing import Any

import pytest

from app.auth.models import Account
from app.core.logging import configure_logging
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, User, bearer, new_email
from tests.auth.support.forging import sign
from tests.auth.support.service import Service
from tests.auth.support.settings import ROTATES

HIGHEST_VERSION = 2**31 - 1  # of the column that it is compared with


def forge(service: Service, tokens: Tokens, **changes: object) -> dict[str, str]:
    """Return the header with a token of other claims, signed with the service's own key."""
    token = sign(tokens.header, tokens.claims | changes, service.auth.keyring.signer())
    return bearer(token)


async def test_a_version_is_at_most_what_the_column_holds(service: Service, tokens: Tokens) -> None:
    highest = forge(service, tokens, ver=HIGHEST_VERSION)
    assert (await service.client.get("/auth/me", headers=highest)).status_code == 200
    beyond = forge(service, tokens, ver=HIGHEST_VERSION + 1)
    assert problem(await service.client.get("/auth/me", headers=beyond)) == INVALID_TOKEN


async def test_an_account_without_any_scope_is_logged_in_all_the_same(service: Service) -> None:
    tokens = await service.login(await service.account(scope=""))
    assert tokens.claims["scope"] == ""
    assert (await service.client.get("/auth/me", headers=tokens.bearer)).status_code == 200


async def test_ten_minutes_are_recent_and_a_second_more_is_not(
    service: Service, tokens: Tokens
) -> None:
    wish = {"email": "other@example.com"}
    service.clock.advance(minutes=10)
    response = await service.client.post("/auth/email/change", json=wish, headers=tokens.bearer)
    assert response.status_code == 202
    service.clock.advance(seconds=1)
    response = await service.client.post("/auth/email/change", json=wish, headers=tokens.bearer)
    assert problem(response)[0] == 401


async def test_an_account_asks_for_another_address_five_times_an_hour(
    service: Service, tokens: Tokens
) -> None:
    answers = []
    for _ in range(6):
        wish = {"email": new_email()}
        response = await service.client.post("/auth/email/change", json=wish, headers=tokens.bearer)
        answers.append(response.status_code)
    assert answers == [202] * 5 + [429]


async def test_a_deleted_account_does_not_say_when_its_address_was_verified(
    service: Service, account: User, tokens: Tokens
) -> None:
    assert (await service.client.delete("/auth/me", headers=tokens.bearer)).status_code == 204
    async with service.database() as session:
        stored = await session.get_one(Account, account.id)
    assert (stored.email, stored.email_verified_at) == (None, None)


@pytest.mark.skipif(not ROTATES, reason="a refresh token may be used again here")
async def test_a_repeated_answer_is_logged_with_its_session(
    service: Service, account: User, tokens: Tokens, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("WARNING")
    await service.refresh(tokens)
    assert named(capsys, "refresh_token_repeated") == []
    await service.refresh(tokens)
    (event,) = named(capsys, "refresh_token_repeated")
    assert (event["account_id"], event["session_id"]) == (str(account.id), tokens.claims["sid"])


def named(capsys: pytest.CaptureFixture[str], name: str) -> list[dict[str, Any]]:
    """Return the logged lines with this event."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == name]
