# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Secrets are random and long enough, used once however many try, and sealed against change."""

import secrets
from collections import Counter

import anyio
import httpx2
import pytest

from app.auth.derived_keys import DerivedKeys, UnsealError, new_secret, successor_of
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import PASSWORD, Tokens, User, new_email
from tests.auth.support.forging import decode_segment
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import SECRET_KEY

NEW_PASSWORD = "velvet-Harbor-31-quince"
BYTES = 32  # 256 bits; ASVS 7.2.3 and 11.5.1 ask for 128


def test_a_secret_is_256_random_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {new_secret() for _ in range(10_000)}
    assert len(made) == 10_000
    assert {len(decode_segment(each)) for each in made} == {BYTES}
    # Each bit is set about as often as not: 5,000 times of 10,000, give or take 8 deviations.
    bits = Counter(n for each in made for n, bit in enumerate(bits_of(each)) if bit == "1")
    assert all(4600 < bits[n] < 5400 for n in range(BYTES * 8))
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: f"from the system: {size}")
    assert new_secret() == "from the system: 32"


def bits_of(secret: str) -> str:
    """Return the bits of a secret as digits."""
    return f"{int.from_bytes(decode_segment(secret)):0256b}"


async def test_whatever_the_service_hands_out_has_256_bits(
    service: Service, account: User, tokens: Tokens
) -> None:
    renewed = await service.refresh(tokens)
    response = await service.client.post("/auth/password/forgot", json={"email": account.email})
    assert response.status_code == 202
    handed_out = [
        tokens.refresh_token,
        renewed.refresh_token,
        tokens.claims["jti"],
        await service.mailed_secret(account.email),
    ]
    assert {len(decode_segment(each)) for each in handed_out} == {BYTES}


def test_a_successor_depends_on_key_salt_and_token() -> None:
    one, other = (DerivedKeys([key]).newest("test") for key in (SECRET_KEY, f"{SECRET_KEY}-2"))
    made = {
        successor_of(key, salt, token)
        for key in (one, other)
        for salt in (b"a" * 32, b"b" * 32)
        for token in ("A" * 43, "B" * 43)
    }
    assert len(made) == 8
    assert {len(decode_segment(each)) for each in made} == {BYTES}


def test_every_changed_byte_of_what_is_sealed_is_noticed() -> None:
    keys = DerivedKeys([SECRET_KEY])
    sealed = keys.seal("test", b"a private key", b"its row")
    assert keys.unseal("test", sealed, b"its row") == b"a private key"
    assert sealed != keys.seal("test", b"a private key", b"its row")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(UnsealError):
            keys.unseal("test", bytes(changed), b"its row")
    for purpose, context in (("other", b"its row"), ("test", b"another row")):
        with pytest.raises(UnsealError):
            keys.unseal(purpose, sealed, context)


async def at_once(service: Service, path: str, body: dict[str, str]) -> list[httpx2.Response]:
    """Send the same request from six clients at once."""
    answers: list[httpx2.Response] = []

    async def send() -> None:
        answers.append(await service.new_client().post(path, json=body))

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(send)
    return answers


@pytest.mark.both_databases
async def test_of_many_who_reset_with_one_secret_at_once_one_succeeds(
    service: Service, account: User
) -> None:
    await service.client.post("/auth/password/forgot", json={"email": account.email})
    body = {"token": await service.mailed_secret(account.email), "password": NEW_PASSWORD}
    answers = await at_once(service, "/auth/password/reset", body)
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 5
    assert {problem(answer) for answer in answers if answer.is_error} == {INVALID_GRANT}
    changed = [m for m in await service.mails(account.email) if "was changed" in m.subject]
    assert len(changed) == 1


@pytest.mark.both_databases
async def test_of_many_who_verify_with_one_secret_at_once_one_succeeds(service: Service) -> None:
    email = new_email()
    await service.client.post("/auth/register", json={"email": email, "password": PASSWORD})
    body = {"token": await service.mailed_secret(email), "password": PASSWORD}
    answers = await at_once(service, "/auth/email/verify", body)
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 5
    rows = await service.sql("SELECT id FROM account WHERE email = :email", email=email)
    assert len(rows) == 1


async def test_a_new_service_knows_nobody(fresh_service: FreshService) -> None:
    service = await fresh_service()
    assert await service.sql("SELECT id FROM account") == []
    for name in ("admin", "root", "admin@example.com", "user@example.com"):
        for password in ("admin", "password"):
            form = {"username": name, "password": password}
            response = await service.new_client().post("/auth/token", data=form)
            assert problem(response) == INVALID_GRANT


@pytest.mark.both_databases
async def test_of_many_who_change_a_password_with_the_current_one_at_once_one_succeeds(
    service: Service, account: User, tokens: Tokens
) -> None:
    # The rest knew a password that is not the current one any more: a thief must not come second.
    answers: list[httpx2.Response] = []

    async def change(password: str) -> None:
        body = {"current_password": account.password, "password": password}
        client = service.new_client()
        answers.append(await client.post("/auth/password/change", json=body, headers=tokens.bearer))

    passwords = [NEW_PASSWORD, "marzipan-Quarry-17-violet", "saxophone-Tundra-55-kettle"]
    async with anyio.create_task_group() as group:
        for password in passwords:
            group.start_soon(change, password)
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400]
    good = [each for each in passwords if await logs_in(service, account.email, each)]
    assert len(good) == 1
    assert len(await service.mails(account.email)) == 1


async def logs_in(service: Service, email: str, password: str) -> bool:
    """Tell whether a password is the account's."""
    form = {"username": email, "password": password}
    return (await service.new_client().post("/auth/token", data=form)).status_code == 200
