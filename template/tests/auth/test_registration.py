# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Registering tells nobody who has an account, and gives nothing to a stranger to the address."""

import pytest
from sqlalchemy import select

from app.auth.derived_keys import hash_secret
from app.auth.models import Account, PendingRegistration
from app.scopes import NEW_ACCOUNT_SCOPES
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import PASSWORD, User, new_email
from tests.auth.support.mails import secret_in
from tests.auth.support.service import Service


async def register(service: Service, email: str, password: str = PASSWORD) -> None:
    """Register, and expect the one answer there is."""
    body = {"email": email, "password": password}
    response = await service.new_client().post("/auth/register", json=body)
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})


async def verify(service: Service, token: str, password: str = PASSWORD) -> tuple[int, str] | None:
    """Verify; return None for success and the problem otherwise."""
    body = {"token": token, "password": password}
    response = await service.client.post("/auth/email/verify", json=body)
    return None if response.status_code == 204 else problem(response)


async def accounts_of(service: Service, email: str) -> list[Account]:
    """Return the accounts with an address, as they are stored."""
    async with service.database() as session:
        return list(await session.scalars(select(Account).where(Account.email == email)))


async def pending_of(service: Service, email: str) -> list[PendingRegistration]:
    """Return the registrations that wait for an address."""
    statement = select(PendingRegistration).where(PendingRegistration.email == email)
    async with service.database() as session:
        return list(await session.scalars(statement))


@pytest.mark.both_databases
async def test_an_account_exists_once_its_address_is_verified(service: Service) -> None:
    email = new_email()
    await register(service, email)
    assert await accounts_of(service, email) == []
    assert await verify(service, await service.mailed_secret(email)) is None
    (account,) = await accounts_of(service, email)
    assert account.email_verified_at == service.clock.now()
    assert account.active
    assert account.scope == " ".join(NEW_ACCOUNT_SCOPES)
    assert await pending_of(service, email) == []
    assert (await service.login(User(account.id, email))).claims["sub"] == str(account.id)


async def test_nobody_logs_in_before_the_address_is_verified(service: Service) -> None:
    email = new_email()
    await register(service, email)
    form = {"username": email, "password": PASSWORD}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT


@pytest.mark.both_databases
async def test_an_address_with_an_account_gets_the_same_answer_and_another_mail(
    service: Service,
) -> None:
    user = await service.account()
    await register(service, user.email, "another-Password-6-maple")
    (mail,) = await service.mails(user.email)
    assert "already" in mail.subject
    with pytest.raises(AssertionError, match="no secret"):
        secret_in(mail)
    assert (await service.login(user)).claims["sub"] == str(user.id)


async def test_only_the_hash_of_the_mailed_secret_is_stored(service: Service) -> None:
    email = new_email()
    await register(service, email)
    secret = await service.mailed_secret(email)
    (pending,) = await pending_of(service, email)
    assert pending.secret_hash == hash_secret(secret)
    assert pending.password_hash.startswith("$argon2id$")


@pytest.mark.both_databases
async def test_a_mailed_secret_works_once(service: Service) -> None:
    email = new_email()
    await register(service, email)
    secret = await service.mailed_secret(email)
    assert await verify(service, secret) is None
    assert await verify(service, secret) == INVALID_GRANT
    assert len(await accounts_of(service, email)) == 1


@pytest.mark.both_databases
async def test_a_mailed_secret_lives_for_24_hours(service: Service) -> None:
    early, late = new_email(), new_email()
    for email in (early, late):
        await register(service, email)
    secrets = [await service.mailed_secret(email) for email in (early, late)]
    service.clock.advance(days=1, seconds=-1)
    assert await verify(service, secrets[0]) is None
    service.clock.advance(seconds=1)
    assert await verify(service, secrets[1]) == INVALID_GRANT
    assert await accounts_of(service, late) == []


@pytest.mark.both_databases
async def test_the_secret_is_worth_nothing_without_the_password_of_that_registration(
    service: Service,
) -> None:
    # A stranger registers a victim's address; the victim clicks. Nobody may gain an account whose
    # password the stranger knows.
    victim, own = new_email(), "victims-own-Orchard-44"
    await register(service, victim, "strangers-Choice-71-fog")
    strangers_secret = await service.mailed_secret(victim)
    await register(service, victim, own)
    own_secret = await service.mailed_secret(victim)
    assert await verify(service, strangers_secret, own) == INVALID_GRANT
    assert await verify(service, own_secret, own) is None
    assert await verify(service, strangers_secret, "strangers-Choice-71-fog") == INVALID_GRANT
    (account,) = await accounts_of(service, victim)
    await service.login(User(account.id, victim, own))


async def test_a_wrong_password_does_not_use_up_the_secret(service: Service) -> None:
    email = new_email()
    await register(service, email)
    secret = await service.mailed_secret(email)
    assert await verify(service, secret, "not-the-Password-1-ox") == INVALID_GRANT
    assert await verify(service, secret) is None


async def test_an_address_is_one_account_however_it_is_written(service: Service) -> None:
    email = new_email()
    await register(service, email.upper())
    assert await verify(service, await service.mailed_secret(email)) is None
    await register(service, email.title())
    assert len(await accounts_of(service, email)) == 1
    assert "already" in (await service.mails(email))[-1].subject


async def test_an_inbox_gets_three_mails_an_hour_and_the_answer_stays_the_same(
    service: Service,
) -> None:
    email = new_email()
    for _ in range(5):
        await register(service, email)
    assert len(await service.mails(email)) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "user@example.com"},
        {"email": "no-address", "password": PASSWORD},
        {"email": "user@example.com", "password": "short"},
        {"email": "user@example.com", "password": PASSWORD, "scope": "admin"},
        {"email": "user@example.com", "password": PASSWORD * 20},
        {"email": ["user@example.com"], "password": PASSWORD},
        {"email": "user@example.com\n", "password": 15 * "\x00"},
        [],
        None,
    ],
    ids=str,
)
async def test_malformed_content_is_refused_without_repeating_it(
    service: Service, body: object
) -> None:
    response = await service.client.post("/auth/register", json=body)
    assert problem(response) == (422, "invalid_content")
    assert "user@example" not in response.text
    assert PASSWORD not in response.text
    assert "admin" not in response.text
