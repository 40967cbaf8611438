# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Which passwords are taken, how they are kept, and how they are changed and replaced."""

import bcrypt
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import update

from app.auth.derived_keys import hash_secret
from app.auth.models import Account, SingleUseSecret
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, UNAUTHENTICATED, problem
from tests.auth.support.credentials import PASSWORD, Tokens, User, new_email
from tests.auth.support.service import Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS

NEW_PASSWORD = "velvet-Harbor-31-quince"
WEAK = (422, "invalid_content")


async def stored_hash(service: Service, user: User) -> str:
    """Return the password hash of an account as it is stored."""
    async with service.database() as session:
        stored = (await session.get_one(Account, user.id)).password_hash
    assert stored is not None
    return stored


async def store_hash(service: Service, user: User, stored: str) -> None:
    """Store a hash that something else has made."""
    async with service.database() as session:
        await session.execute(
            update(Account).where(Account.id == user.id).values(password_hash=stored)
        )


async def reset_secret(service: Service, user: User) -> str:
    """Ask for a new password and return the secret in the mail."""
    response = await service.client.post("/auth/password/forgot", json={"email": user.email})
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    return await service.mailed_secret(user.email)


async def reset(service: Service, token: str, password: str) -> tuple[int, str] | None:
    """Reset; return None for success and the problem otherwise."""
    body = {"token": token, "password": password}
    response = await service.client.post("/auth/password/reset", json=body)
    return None if response.status_code == 204 else problem(response)


async def change(
    service: Service, tokens: Tokens, current: str, password: str
) -> tuple[int, str] | None:
    """Change; return None for success and the problem otherwise."""
    body = {"current_password": current, "password": password}
    response = await service.client.post("/auth/password/change", json=body, headers=tokens.bearer)
    return None if response.status_code == 204 else problem(response)


async def is_accepted(service: Service, password: str, email: str) -> bool:
    """Tell whether somebody may register with a password."""
    body = {"email": email, "password": password}
    response = await service.new_client().post("/auth/register", json=body)
    if response.status_code == 202:
        return True
    assert problem(response) == WEAK
    assert password not in response.text
    return False


@pytest.mark.parametrize(
    "password",
    [
        "fourteen-Chars",
        "passwordpassword",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaaaaaaa",
        "123456789012345678",
        "Password1!Password1!",
        "iloveyouiloveyou",
    ],
)
async def test_a_short_or_known_password_is_refused(service: Service, password: str) -> None:
    assert not await is_accepted(service, password, new_email())


async def test_a_password_made_of_the_accounts_own_words_is_refused(service: Service) -> None:
    assert not await is_accepted(
        service, "wilhelmina.oosterhuis", "wilhelmina.oosterhuis@example.com"
    )
    assert await is_accepted(service, "wilhelmina.oosterhuis", new_email())


@pytest.mark.parametrize(
    "password",
    [
        "fifteen-Chars-x",
        "no capital and no digit at all",
        "\N{CJK UNIFIED IDEOGRAPH-6C34}" * 3 + "漢字かな混じりの長い文句です",
        "tangerine-Wharf-90-lantern" + "0123456789 " * 20,
    ],
)
async def test_a_long_password_needs_no_composition(service: Service, password: str) -> None:
    assert await is_accepted(service, password, new_email())


async def test_a_password_is_kept_as_argon2id(service: Service) -> None:
    user = await service.register()
    kept = await stored_hash(service, user)
    assert kept.startswith("$argon2id$v=19$m=8,t=1,p=1$")


@pytest.mark.both_databases
async def test_a_hash_with_older_parameters_is_replaced_at_the_next_login(
    service: Service, account: User
) -> None:
    old = Argon2Hasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    await store_hash(service, account, old)
    await service.login(account)
    renewed = await stored_hash(service, account)
    assert renewed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    await service.login(account)
    assert await stored_hash(service, account) == renewed


async def test_a_bcrypt_hash_of_a_migrated_user_becomes_argon2id(
    service: Service, account: User
) -> None:
    await store_hash(service, account, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    form = {"username": account.email, "password": PASSWORD + "x"}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT
    assert (await stored_hash(service, account)).startswith("$2b$")
    await service.login(account)
    assert (await stored_hash(service, account)).startswith("$argon2id$")
    await service.login(account)


async def test_changing_the_password_needs_the_current_one(
    service: Service, account: User, tokens: Tokens
) -> None:
    before = await stored_hash(service, account)
    assert await change(service, tokens, "not-the-Password-1-ox", NEW_PASSWORD) == INVALID_GRANT
    assert await stored_hash(service, account) == before
    body = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    response = await service.client.post("/auth/password/change", json=body)
    assert problem(response) == UNAUTHENTICATED


@pytest.mark.both_databases
async def test_changing_the_password_ends_every_session(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    assert await change(service, tokens, PASSWORD, NEW_PASSWORD) is None
    for each in (tokens, other):
        assert problem(await service.try_refresh(each.refresh_token)) == INVALID_GRANT
        if REVOKES_ACCESS_TOKENS:
            refused = await service.client.get("/auth/sessions", headers=each.bearer)
            assert problem(refused) == INVALID_TOKEN
    form = {"username": account.email, "password": PASSWORD}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT
    await service.login(User(account.id, account.email, NEW_PASSWORD))
    assert "changed" in (await service.mails(account.email))[-1].subject


async def test_a_weak_new_password_changes_nothing(
    service: Service, account: User, tokens: Tokens
) -> None:
    assert await change(service, tokens, PASSWORD, "passwordpassword") == WEAK
    assert (await service.try_refresh(tokens.refresh_token)).status_code == 200
    await service.login(account)


@pytest.mark.both_databases
async def test_a_forgotten_password_is_replaced_by_a_mailed_secret(
    service: Service, account: User, tokens: Tokens
) -> None:
    secret = await reset_secret(service, account)
    assert await reset(service, secret, NEW_PASSWORD) is None
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    if REVOKES_ACCESS_TOKENS:
        refused = await service.client.get("/auth/sessions", headers=tokens.bearer)
        assert problem(refused) == INVALID_TOKEN
    await service.login(User(account.id, account.email, NEW_PASSWORD))
    assert "changed" in (await service.mails(account.email))[-1].subject


@pytest.mark.both_databases
async def test_a_reset_secret_is_stored_hashed_and_works_once(
    service: Service, account: User
) -> None:
    secret = await reset_secret(service, account)
    async with service.database() as session:
        stored = await session.get(SingleUseSecret, hash_secret(secret))
    assert stored is not None
    assert stored.account_id == account.id
    assert await reset(service, secret, NEW_PASSWORD) is None
    assert await reset(service, secret, "granite-Meadow-77-otter") == INVALID_GRANT
    await service.login(User(account.id, account.email, NEW_PASSWORD))


@pytest.mark.both_databases
async def test_a_reset_secret_lives_for_an_hour(service: Service) -> None:
    early, late = await service.account(), await service.account()
    secrets = [await reset_secret(service, user) for user in (early, late)]
    service.clock.advance(minutes=60, seconds=-1)
    assert await reset(service, secrets[0], NEW_PASSWORD) is None
    service.clock.advance(seconds=1)
    assert await reset(service, secrets[1], NEW_PASSWORD) == INVALID_GRANT
    await service.login(late)


async def test_a_weak_new_password_does_not_use_up_the_secret(
    service: Service, account: User
) -> None:
    secret = await reset_secret(service, account)
    assert await reset(service, secret, "passwordpassword") == WEAK
    assert await reset(service, secret, account.email) == WEAK
    assert await reset(service, secret, NEW_PASSWORD) is None


@pytest.mark.both_databases
async def test_a_new_password_makes_every_open_reset_worthless(
    service: Service, account: User, tokens: Tokens
) -> None:
    # Somebody with access to the mailbox may have asked for it before the owner noticed.
    first, second = await reset_secret(service, account), await reset_secret(service, account)
    assert await reset(service, second, NEW_PASSWORD) is None
    assert await reset(service, first, "granite-Meadow-77-otter") == INVALID_GRANT
    third = await reset_secret(service, account)
    renewed = await service.login(User(account.id, account.email, NEW_PASSWORD))
    assert await change(service, renewed, NEW_PASSWORD, PASSWORD) is None
    assert await reset(service, third, "granite-Meadow-77-otter") == INVALID_GRANT


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(service: Service) -> None:
    email = new_email()
    response = await service.client.post("/auth/password/forgot", json={"email": email})
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    assert await service.mails(email) == []


async def test_a_disabled_account_cannot_be_reset(service: Service, account: User) -> None:
    secret = await reset_secret(service, account)
    async with service.database() as session:
        await session.execute(update(Account).where(Account.id == account.id).values(active=False))
    assert await reset(service, secret, NEW_PASSWORD) == INVALID_GRANT
    response = await service.client.post("/auth/password/forgot", json={"email": account.email})
    assert response.status_code == 202
    assert len(await service.mails(account.email)) == 1


async def test_an_inbox_gets_three_resets_an_hour(service: Service, account: User) -> None:
    for _ in range(5):
        client = service.new_client()
        response = await client.post("/auth/password/forgot", json={"email": account.email})
        assert response.status_code == 202
    assert len(await service.mails(account.email)) == 3
