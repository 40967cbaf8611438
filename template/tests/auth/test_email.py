# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Changing an address, deleting an account, and the outbox that never loses or leaks a mail."""

from uuid import UUID

import pytest
from sqlalchemy import select

from app.auth.models import Account, AuthSession, OutboxMessage, SingleUseSecret
from tests.auth.support.answers import (
    INVALID_GRANT,
    INVALID_TOKEN,
    UNAUTHENTICATED,
    challenge,
    problem,
)
from tests.auth.support.credentials import PASSWORD, Tokens, User, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

LOGIN_NOT_RECENT = (401, "insufficient_user_authentication")


async def ask_for_change(service: Service, tokens: Tokens, email: str) -> None:
    """Ask for another address, and expect the one answer there is."""
    response = await service.client.post(
        "/auth/email/change", json={"email": email}, headers=tokens.bearer
    )
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})


async def verify(service: Service, token: str, password: str = PASSWORD) -> tuple[int, str] | None:
    """Verify; return None for success and the problem otherwise."""
    body = {"token": token, "password": password}
    response = await service.client.post("/auth/email/verify", json=body)
    return None if response.status_code == 204 else problem(response)


async def stored(service: Service, user: User) -> Account:
    """Return an account as it is stored."""
    async with service.database() as session:
        return await session.get_one(Account, user.id)


@pytest.mark.both_databases
async def test_a_new_address_counts_once_it_is_proven_and_both_are_told(
    service: Service, account: User, tokens: Tokens
) -> None:
    email = new_email()
    await ask_for_change(service, tokens, email.upper())
    assert (await stored(service, account)).email == account.email
    service.clock.advance(seconds=1)
    secret = await service.mailed_secret(email)
    assert len(await service.mails(account.email)) == 1
    assert await verify(service, secret) is None
    moved = await stored(service, account)
    assert (moved.email, moved.email_verified_at) == (email, service.clock.now())
    assert "changed" in (await service.mails(account.email))[-1].subject
    assert (await service.login(User(account.id, email))).claims["sub"] == str(account.id)
    form = {"username": account.email, "password": PASSWORD}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT


async def test_the_secret_for_a_new_address_needs_the_password_and_works_once(
    service: Service, account: User, tokens: Tokens
) -> None:
    email = new_email()
    await ask_for_change(service, tokens, email)
    secret = await service.mailed_secret(email)
    assert await verify(service, secret, "not-the-Password-1-ox") == INVALID_GRANT
    assert (await stored(service, account)).email == account.email
    assert await verify(service, secret) is None
    assert await verify(service, secret) == INVALID_GRANT


async def test_the_secret_for_a_new_address_lives_for_an_hour(
    service: Service, account: User, tokens: Tokens
) -> None:
    email = new_email()
    await ask_for_change(service, tokens, email)
    secret = await service.mailed_secret(email)
    service.clock.advance(minutes=60)
    assert await verify(service, secret) == INVALID_GRANT
    assert (await stored(service, account)).email == account.email


async def test_an_address_in_use_gets_the_same_answer_and_no_secret(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.account()
    await ask_for_change(service, tokens, other.email)
    (mail,) = await service.mails(other.email)
    assert "already" in mail.subject
    assert (await stored(service, account)).email == account.email


@pytest.mark.both_databases
async def test_of_two_who_ask_for_one_address_the_first_to_prove_it_gets_it(
    service: Service, account: User, tokens: Tokens
) -> None:
    email, rival = new_email(), await service.account()
    await ask_for_change(service, tokens, email)
    first = await service.mailed_secret(email)
    await ask_for_change(service, await service.login(rival), email)
    second = await service.mailed_secret(email)
    assert await verify(service, second) is None
    assert await verify(service, first) == INVALID_GRANT
    assert (await stored(service, account)).email == account.email
    assert (await stored(service, rival)).email == email


async def test_a_reset_that_went_to_the_old_address_opens_nothing_after_the_change(
    service: Service, account: User, tokens: Tokens
) -> None:
    await service.client.post("/auth/password/forgot", json={"email": account.email})
    old_secret = await service.mailed_secret(account.email)
    email = new_email()
    await ask_for_change(service, tokens, email)
    assert await verify(service, await service.mailed_secret(email)) is None
    body = {"token": old_secret, "password": "velvet-Harbor-31-quince"}
    response = await service.client.post("/auth/password/reset", json=body)
    assert problem(response) == INVALID_GRANT


async def test_what_changes_or_ends_an_account_needs_a_recent_login(
    service: Service, account: User, tokens: Tokens
) -> None:
    service.clock.advance(seconds=600)
    await ask_for_change(service, tokens, new_email())
    service.clock.advance(seconds=1)
    body = {"email": new_email()}
    answers = [
        await service.client.post("/auth/email/change", json=body, headers=tokens.bearer),
        await service.client.delete("/auth/me", headers=tokens.bearer),
    ]
    for answer in answers:
        assert problem(answer) == LOGIN_NOT_RECENT
        assert 'max_age="600"' in challenge(answer)
    # A refresh is no login.
    renewed = await service.refresh(tokens)
    response = await service.client.delete("/auth/me", headers=renewed.bearer)
    assert problem(response) == LOGIN_NOT_RECENT
    assert (await stored(service, account)).active


@pytest.mark.both_databases
async def test_deleting_an_account_ends_everything_and_keeps_nothing_personal(
    service: Service, account: User, tokens: Tokens
) -> None:
    other = await service.login(account)
    await service.client.post("/auth/password/forgot", json={"email": account.email})
    secret = await service.mailed_secret(account.email)
    response = await service.client.delete("/auth/me", headers=tokens.bearer)
    assert (response.status_code, response.content) == (204, b"")
    gone = await stored(service, account)
    assert not gone.active
    assert (gone.email, gone.password_hash, gone.scope) == (None, None, "")
    assert gone.deleted_at == service.clock.now()
    async with service.database() as session:
        codes = select(SingleUseSecret).where(SingleUseSecret.account_id == account.id)
        assert (await session.scalars(codes)).all() == []
        sessions = select(AuthSession).where(AuthSession.account_id == account.id)
        ended = (await session.scalars(sessions)).all()
        assert {(each.revoke_reason, each.ip, each.user_agent) for each in ended} == {
            ("account_deleted", "", "")
        }
    for each in (tokens, other):
        assert problem(await service.try_refresh(each.refresh_token)) == INVALID_GRANT
        refused = await service.client.get("/auth/me", headers=each.bearer)
        assert problem(refused) == INVALID_TOKEN
    body = {"token": secret, "password": "velvet-Harbor-31-quince"}
    response = await service.client.post("/auth/password/reset", json=body)
    assert problem(response) == INVALID_GRANT
    assert "deleted" in (await service.mails(account.email))[-1].subject


@pytest.mark.both_databases
async def test_the_address_of_a_deleted_account_is_free_again(
    service: Service, account: User, tokens: Tokens
) -> None:
    await service.client.delete("/auth/me", headers=tokens.bearer)
    again = await service.register(account.email)
    assert again.id != account.id
    assert UUID((await service.login(again)).claims["sub"]) == again.id


async def test_these_routes_are_for_the_owner_only(service: Service) -> None:
    body = {"email": new_email()}
    assert problem(await service.client.post("/auth/email/change", json=body)) == UNAUTHENTICATED
    assert problem(await service.client.delete("/auth/me")) == UNAUTHENTICATED


@pytest.mark.both_databases
async def test_a_mail_waits_sealed_while_the_mail_server_is_away(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    service.sent_mails.fails = True
    email = new_email()
    body = {"email": email, "password": PASSWORD}
    # The answer neither waits for the mail server nor tells of it.
    assert (await service.client.post("/auth/register", json=body)).status_code == 202
    assert await service.mails(email) == []
    async with service.database() as session:
        (waiting,) = await session.scalars(select(OutboxMessage))
    assert waiting.next_attempt_at > service.clock.now()
    assert email.encode() not in waiting.sealed
    service.sent_mails.fails = False
    assert await service.auth.outbox.deliver_due() == 0
    service.clock.advance(minutes=2)
    await service.auth.outbox.deliver_due()
    assert await verify(service, await service.mailed_secret(email)) is None
    assert await service.sql("SELECT id FROM outbox_message") == []


async def test_a_mail_is_given_up_after_its_secret_has_expired(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    service.sent_mails.fails = True
    body = {"email": new_email(), "password": PASSWORD}
    await service.client.post("/auth/register", json=body)
    for _ in range(12):
        await service.auth.outbox.deliver_due()
        service.clock.advance(minutes=300)
    assert await service.sql("SELECT id FROM outbox_message") == []


async def test_a_mail_is_not_owed_by_a_change_that_was_rolled_back(service: Service) -> None:
    before = len(service.sent_mails.sent)
    body = {"email": new_email(), "password": "passwordpassword"}
    response = await service.client.post("/auth/register", json=body)
    assert response.status_code == 422
    assert await service.mails(str(body["email"])) == []
    assert len(service.sent_mails.sent) == before
