# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Logging in by form and by cookie; every refused login looks like every other."""

import pytest
from pwdlib import PasswordHash
from sqlalchemy import select, update

from app.auth.models import Account, AuthSession
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import PASSWORD, SAME_ORIGIN, User, new_email, tokens_of
from tests.auth.support.service import Service


async def test_the_form_of_oauth2_gives_a_pair_of_tokens(service: Service, account: User) -> None:
    form = {"grant_type": "password", "username": account.email, "password": account.password}
    response = await service.client.post("/auth/token", data=form)
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 900)
    assert body["scope"] == "items:read items:write"
    assert response.headers["cache-control"] == "no-store"


async def test_a_cookie_login_keeps_the_refresh_token_out_of_the_body(
    service: Service, account: User
) -> None:
    body = {"email": account.email, "password": account.password}
    response = await service.client.post("/auth/session", json=body, headers=SAME_ORIGIN)
    tokens = tokens_of(response)
    assert response.json().keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert tokens.refresh_token not in response.text
    assert (await service.client.get("/auth/me", headers=tokens.bearer)).status_code == 200


@pytest.mark.both_databases
async def test_a_login_is_a_session_with_its_device(service: Service, account: User) -> None:
    form = {"username": account.email, "password": account.password}
    client = service.new_client("203.0.113.9")
    headers = {"User-Agent": "Browser/1.0 " + "x" * 500}
    tokens = tokens_of(await client.post("/auth/token", data=form, headers=headers))
    async with service.database() as session:
        (row,) = await session.scalars(
            select(AuthSession).where(AuthSession.account_id == account.id)
        )
    assert str(row.id) == tokens.claims["sid"]
    assert (row.ip, row.user_agent) == ("203.0.113.9", headers["User-Agent"][:256])
    assert row.created_at == row.auth_time == service.clock.now()
    assert (row.idle_expires_at - row.created_at).days == 14
    assert (row.absolute_expires_at - row.created_at).days == 90


async def test_an_address_is_found_however_it_is_written(service: Service, account: User) -> None:
    shouted = User(account.id, account.email.upper(), account.password)
    assert (await service.login(shouted)).claims["sub"] == str(account.id)
    assert (await service.cookie_login(shouted)).claims["sub"] == str(account.id)


@pytest.mark.both_databases
async def test_every_refused_login_gets_one_and_the_same_answer(service: Service) -> None:
    known, passwordless, foreign, disabled = [await service.account() for _ in range(4)]
    changes = ((passwordless, None), (foreign, "{SSHA}made-elsewhere"))
    async with service.database() as session:
        for user, stored in changes:
            await session.execute(
                update(Account).where(Account.id == user.id).values(password_hash=stored)
            )
        await session.execute(update(Account).where(Account.id == disabled.id).values(active=False))
    tries = [
        (new_email(), PASSWORD),
        (known.email, "not-the-Password-1-ox"),
        (known.email, PASSWORD + " "),
        (known.email, PASSWORD.upper()),
        (passwordless.email, PASSWORD),
        (foreign.email, PASSWORD),
        (disabled.email, PASSWORD),
    ]
    answers = []
    for email, password in tries:
        form, body = (
            {"username": email, "password": password},
            {"email": email, "password": password},
        )
        client = service.new_client()
        answers.append(await client.post("/auth/token", data=form))
        answers.append(await client.post("/auth/session", json=body, headers=SAME_ORIGIN))
    assert {problem(answer) for answer in answers} == {INVALID_GRANT}
    assert len({answer.content for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


async def test_an_unknown_account_costs_a_password_hash_like_a_known_one(
    service: Service, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The work is counted here; the time is measured by a slow test.
    hashed = []
    verify = PasswordHash.verify_and_update

    def counting(self: PasswordHash, password: str, stored: str) -> tuple[bool, str | None]:
        hashed.append(stored.split("$")[1:4])
        return verify(self, password, stored)

    monkeypatch.setattr(PasswordHash, "verify_and_update", counting)
    for email in (account.email, new_email()):
        form = {"username": email, "password": "not-the-Password-1-ox"}
        assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT
    assert len(hashed) == 2
    assert hashed[0] == hashed[1]  # algorithm, version and cost


async def test_a_password_is_compared_whole_and_as_it_was_sent(service: Service) -> None:
    # 72 bytes is where bcrypt stops reading.
    password = " \N{LATIN SMALL LETTER E WITH ACUTE}" + "long-Password-9-kiwi" * 4 + " "
    user = await service.register(password=password)
    await service.login(user)
    for wrong in (
        password.strip(),
        password[:72],
        password[:-2] + "x ",
        password.replace("é", "e\u0301"),
    ):
        form = {"username": user.email, "password": wrong}
        response = await service.new_client().post("/auth/token", data=form)
        assert problem(response) == INVALID_GRANT, wrong


async def test_strange_passwords_are_refused_like_wrong_ones(
    service: Service, account: User
) -> None:
    for strange in ("\x00", "a\x00b", "\ufeff", "😀" * 60, "' OR 1=1 --"):
        form = {"username": account.email, "password": strange}
        response = await service.new_client().post("/auth/token", data=form)
        assert problem(response) == INVALID_GRANT, strange


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "user@example.com"},
        {"password": PASSWORD},
        {"username": "", "password": PASSWORD},
        {"username": "user@example.com", "password": ""},
        {"username": "user@example.com", "password": PASSWORD * 20},
        {"grant_type": "client_credentials", "username": "u@example.com", "password": PASSWORD},
    ],
    ids=str,
)
async def test_a_malformed_form_is_refused_without_repeating_it(
    service: Service, form: dict[str, str]
) -> None:
    response = await service.client.post("/auth/token", data=form)
    assert response.status_code in {400, 422}
    problem(response)
    assert PASSWORD not in response.text
    assert "example.com" not in response.text


async def test_json_is_no_form_and_a_form_is_no_json(service: Service, account: User) -> None:
    form = {"username": account.email, "password": account.password}
    body = {"email": account.email, "password": account.password}
    wrong_way_round = [
        await service.client.post("/auth/token", json=form),
        await service.client.post("/auth/session", data=body, headers=SAME_ORIGIN),
    ]
    for response in wrong_way_round:
        assert response.status_code == 422
        assert account.password not in response.text


@pytest.mark.both_databases
async def test_a_login_asks_for_no_more_than_the_account_holds(
    service: Service, account: User
) -> None:
    assert (await service.login(account, scope="items:read")).scope == "items:read"
    form = {"username": account.email, "password": account.password, "scope": "items:read admin"}
    assert problem(await service.client.post("/auth/token", data=form)) == (400, "invalid_scope")


@pytest.mark.both_databases
async def test_a_password_change_between_check_and_session_wins(
    service: Service, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The session is inserted by a statement that looks at the account again.
    verify = service.auth.passwords.verify

    async def slow_verify(password: str, stored: str | None) -> tuple[bool, str | None]:
        verdict = await verify(password, stored)
        async with service.database() as session:
            await session.execute(
                update(Account)
                .where(Account.id == account.id)
                .values(token_version=Account.token_version + 1)
            )
        return verdict

    monkeypatch.setattr(service.auth.passwords, "verify", slow_verify)
    form = {"username": account.email, "password": account.password}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT
    async with service.database() as session:
        sessions = select(AuthSession).where(AuthSession.account_id == account.id)
        assert (await session.scalars(sessions)).all() == []
