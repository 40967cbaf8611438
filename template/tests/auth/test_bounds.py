# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Each bound is where it is said to be: the last that is accepted, and the first that is not."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie
from typing import Any

import pytest

from app.auth import accounts, limits
from app.auth.key_store import KEY_LIFETIME
from app.auth.models import Account
from app.core.logging import configure_logging
from app.core.rate_limits import Limit
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.credentials import SAME_ORIGIN, Tokens, User, bearer, new_email
from tests.auth.support.forging import sign
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import ROTATES

FIVE_MINUTES, HOUR = 300, 3600  # seconds
PROMISED = {  # tries, and the time in which they are counted
    limits.LOGIN_ACCOUNT: (10, FIVE_MINUTES),
    limits.LOGIN_ADDRESS: (10, FIVE_MINUTES),
    limits.LOGIN_SERVICE: (1000, FIVE_MINUTES),
    limits.LOGIN_DEVICE: (10, FIVE_MINUTES),
    limits.REGISTER_ADDRESS: (10, FIVE_MINUTES),
    limits.FORGOT_ADDRESS: (10, FIVE_MINUTES),
    limits.SECRET_ADDRESS: (30, FIVE_MINUTES),
    limits.REFRESH_ADDRESS: (600, FIVE_MINUTES),
    limits.PASSWORD_CHANGE: (10, FIVE_MINUTES),
    limits.EMAIL_CHANGE: (5, HOUR),
    limits.API_KEY_CREATE: (20, HOUR),
    limits.MAIL_RECIPIENT: (3, HOUR),
    limits.REFRESH_SESSION_VOLUME: (30, FIVE_MINUTES),
}
HIGHEST_VERSION = 2**31 - 1  # of the column that it is compared with


def forge(service: Service, tokens: Tokens, **changes: object) -> dict[str, str]:
    """Return the header with a token of other claims, signed with the service's own key."""
    token = sign(tokens.header, tokens.claims | changes, service.auth.keyring.signer())
    return bearer(token)


def named(capsys: pytest.CaptureFixture[str], name: str) -> list[dict[str, Any]]:
    """Return the logged lines with this event."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == name]


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


async def test_a_session_may_be_refreshed_thirty_times_before_anybody_is_told(
    service: Service, account: User, tokens: Tokens, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("WARNING")
    for _ in range(30):
        tokens = await service.refresh(tokens)
    assert named(capsys, "session_unusual_volume") == []
    await service.refresh(tokens)
    (event,) = named(capsys, "session_unusual_volume")
    assert (event["account_id"], event["session_id"]) == (str(account.id), tokens.claims["sid"])


async def test_a_browser_is_known_for_400_days(service: Service, account: User) -> None:
    body = {"email": account.email, "password": account.password}
    response = await service.client.post("/auth/session", json=body, headers=SAME_ORIGIN)
    cookies: SimpleCookie = SimpleCookie()
    for value in response.headers.get_list("set-cookie"):
        cookies.load(value)
    end = parsedate_to_datetime(cookies["__Host-device"]["expires"])
    assert abs(end - datetime.now(UTC) - timedelta(days=400)) < timedelta(minutes=5)


async def test_only_a_key_id_that_nobody_knows_makes_the_keys_be_read_again(
    service: Service, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []

    async def read() -> None:
        reads.append(1)

    monkeypatch.setattr(service.auth.keyring, "reload_for_unknown_kid", read)
    for credential in (
        forge(service, tokens, aud="another"),
        bearer(f"{tokens.access_token[:-4]}AAAA"),
    ):
        response = await service.client.get("/auth/me", headers=credential)
        assert problem(response) == INVALID_TOKEN
    assert reads == []
    header = tokens.header | {"kid": "nobody-knows-it"}
    unknown = sign(header, tokens.claims, service.auth.keyring.signer())
    response = await service.client.get("/auth/me", headers=bearer(unknown))
    assert problem(response) == INVALID_TOKEN
    assert reads == [1]


async def test_what_is_sealed_has_a_nonce_of_96_bits_and_a_tag_of_128(service: Service) -> None:
    assert len(service.auth.derived_keys.seal("test", b"", b"")) == (96 + 128) // 8


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


async def test_a_hash_with_newer_parameters_replaces_no_password_that_was_changed_meanwhile(
    service: Service, account: User
) -> None:
    async with service.database() as session:
        read_before = await session.get_one(Account, account.id)
    await service.sql(
        "UPDATE account SET password_hash = 'changed' WHERE id = :id", id=account.id.hex
    )
    async with service.auth.database.transaction() as session:
        await accounts.replace_hash(session, read_before, "the old one, hashed again")
    async with service.database() as session:
        assert (await session.get_one(Account, account.id)).password_hash == "changed"


def test_every_limit_is_the_one_that_is_promised() -> None:
    kept = [each for each in vars(limits).values() if isinstance(each, Limit)]
    assert {each: (each.amount, each.seconds) for each in kept} == PROMISED


async def test_the_moment_at_which_an_address_was_verified_stands(
    service: Service, account: User
) -> None:
    service.clock.advance(seconds=1)
    async with service.auth.database.transaction() as session:
        await accounts.mark_verified(session, account.id, service.clock.now())
    async with service.database() as session:
        stored = await session.get_one(Account, account.id)
    assert stored.email_verified_at == service.clock.now() - timedelta(seconds=1)


async def test_a_signing_key_has_a_name_of_128_bits_and_signs_for_its_time(
    fresh_service: FreshService,
) -> None:
    *_, last = await (await fresh_service()).auth.key_store.list()
    assert len(last.kid) == 32
    assert last.sign_until - last.sign_from == KEY_LIFETIME
