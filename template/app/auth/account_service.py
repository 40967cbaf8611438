# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What an account's owner can change: the password, the address, and that there is an account."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import accounts, api_key_repository, mailed_secrets, mails
from app.auth.derived_keys import new_secret
from app.auth.identity_models import AccountIdentity
from app.auth.limits import EMAIL_CHANGE, FORGOT_ADDRESS, PASSWORD_CHANGE, SECRET_ADDRESS
from app.auth.logout import refuse_all_before
from app.auth.models import Account, AuthSession
from app.auth.runtime import Auth
from app.core.client_address import rate_limit_network
from app.core.errors import InvalidGrant
from app.core.logging import security_event


async def forgot_password(auth: Auth, email: str, address: str) -> None:
    """Mail a secret that sets a new password; the same work when nobody has the address."""
    await auth.count(FORGOT_ADDRESS, rate_limit_network(address))
    may_mail = await auth.may_mail(email)
    now, secret = auth.clock.now(), new_secret()
    async with auth.database.transaction() as session:
        account = await accounts.find_by_email(session, email)
        known = account if account and account.active and may_mail else None
        account_id = known.id if known else None
        await mailed_secrets.put(session, mailed_secrets.RESET, secret, now, account_id=account_id)
        auth.outbox.put(session, mails.reset_password(email if known else "", secret), now)
    security_event("password_reset_requested", address=address)


async def reset_password(auth: Auth, secret: str, password: str, address: str) -> None:
    """Set a new password with a mailed secret, which proves the address; sessions and keys end.

    Raises:
        InvalidGrant: unknown, used or expired secret.
        UnprocessableContent: the password is weak; the secret stays good.
    """
    await auth.count(SECRET_ADDRESS, rate_limit_network(address))
    now = auth.clock.now()
    async with auth.database.read() as session:
        account = await mailed_secrets.find_account(session, mailed_secrets.RESET, secret, now)
    await auth.passwords.require_strong(password, [account.email or ""] if account else [])
    password_hash = await auth.passwords.hash(password)
    async with auth.database.transaction() as session:
        taken = await mailed_secrets.take(session, mailed_secrets.RESET, secret, now)
        # Looked up again: it may have been disabled since the mail, or during the hash.
        owner = await accounts.find_active(session, taken.account_id) if taken else None
        account_id = owner.id if owner else None
        if account_id is not None:
            await _replace_password(session, auth, account_id, password_hash, now)
            await accounts.mark_verified(session, account_id, now)
            # Whoever resets may be getting the account back: an intruder's key must not outlast it.
            await api_key_repository.revoke_all(session, "password_reset", now, account_id)
    if account_id is None:
        raise InvalidGrant
    auth.api_keys.forget_account(account_id)
    await auth.deliver_denials()


async def change_password(auth: Auth, account: Account, current: str, password: str) -> None:
    """Set a new password with the current one; every session ends, this one too.

    Raises:
        InvalidGrant: the current password is wrong, or was changed meanwhile.
        UnprocessableContent: the new one is weak.
    """
    await auth.count(PASSWORD_CHANGE, str(account.id))
    right, _ = await auth.passwords.verify(current, account.password_hash)
    if not right:
        security_event("password_change_failed", account_id=account.id)
        raise InvalidGrant
    await auth.passwords.require_strong(password, [account.email or ""])
    password_hash = await auth.passwords.hash(password)
    now, seen = auth.clock.now(), account.token_version
    async with auth.database.transaction() as session:
        changed = await _replace_password(session, auth, account.id, password_hash, now, seen)
    if not changed:  # the current password is another one by now, or worth nothing any more
        raise InvalidGrant
    await auth.deliver_denials()


async def request_email_change(auth: Auth, account: Account, new_email: str) -> None:
    """Mail a secret to the new address and tell the old one; one in use gets a hint instead.

    Raises:
        TooManyRequests: five of this account in the last hour.
    """
    await auth.count(EMAIL_CHANGE, str(account.id))
    if not await auth.may_mail(new_email):
        return
    now, secret = auth.clock.now(), new_secret()
    async with auth.database.transaction() as session:
        in_use = await accounts.find_by_email(session, new_email)
        await mailed_secrets.put(
            session,
            mailed_secrets.EMAIL_CHANGE,
            secret,
            now,
            account_id=account.id,
            new_email=new_email,
        )
        confirm = mails.confirm_new_email(new_email, secret)
        auth.outbox.put(session, mails.already_registered(new_email) if in_use else confirm, now)
        auth.outbox.put(session, mails.email_change_requested(account.email or ""), now)
    security_event("email_change_requested", account_id=account.id)


async def delete_account(auth: Auth, account: Account) -> None:
    """Remove what is personal and end everything; the bare row keeps foreign keys whole."""
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        await refuse_all_before(
            session,
            auth,
            account.id,
            "account_deleted",
            now,
            active=False,
            email=None,
            email_verified_at=None,
            password_hash=None,
            scope="",
            deleted_at=now,
        )
        # Addresses and programs of a person. Not the rows: their tokens would have to be locked
        # after their sessions, which a refresh does the other way round.
        await session.execute(
            update(AuthSession)
            .where(AuthSession.account_id == account.id)
            .values(ip="", user_agent="")
        )
        # A provider that still named the deleted account could never make another one.
        of_account = AccountIdentity.account_id == account.id
        await session.execute(delete(AccountIdentity).where(of_account))
        await api_key_repository.delete_of(session, account.id)
        auth.outbox.put(session, mails.account_deleted(account.email or ""), now)
    auth.api_keys.forget_account(account.id)
    security_event("account_deleted", account_id=account.id)
    await auth.deliver_denials()


async def _replace_password(
    session: AsyncSession,
    auth: Auth,
    account_id: UUID,
    password_hash: str,
    now: datetime,
    seen: int | None = None,
) -> bool:
    account = await refuse_all_before(
        session, auth, account_id, "password_changed", now, seen=seen, password_hash=password_hash
    )
    if account is None:
        return False
    auth.outbox.put(session, mails.password_changed(account.email or ""), now)
    security_event("password_changed", account_id=account_id)
    return True
