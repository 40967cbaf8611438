# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Registering and proving an address: the account exists from the proof on, not before."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import accounts, mailed_secrets, mails
from app.auth.derived_keys import hash_secret, new_secret
from app.auth.limits import REGISTER_ADDRESS, SECRET_ADDRESS
from app.auth.models import PendingRegistration
from app.auth.runtime import Auth
from app.core.client_address import rate_limit_network
from app.core.errors import InvalidGrant
from app.core.logging import security_event
from app.scopes import NEW_ACCOUNT_SCOPES

REGISTRATION_LIFETIME = timedelta(hours=24)


async def register(auth: Auth, email: str, password: str, address: str) -> None:
    """Note a registration and mail its secret; known and unknown addresses cost the same work.

    Raises:
        UnprocessableContent: the password is weak.
        TooManyRequests: too many registrations from this address.
    """
    await auth.count(REGISTER_ADDRESS, rate_limit_network(address))
    await auth.passwords.require_strong(password, [email])
    password_hash = await auth.passwords.hash(password)
    if not await auth.may_mail(email):
        return  # nobody could ever learn the secret, so there is nothing to keep
    now, secret = auth.clock.now(), new_secret()
    async with auth.database.transaction() as session:
        known = await accounts.find_by_email(session, email)
        session.add(
            PendingRegistration(
                email=email,
                password_hash=password_hash,
                secret_hash=hash_secret(secret),
                expires_at=now + REGISTRATION_LIFETIME,
            )
        )
        mail = mails.already_registered(email) if known else mails.verify_address(email, secret)
        auth.outbox.put(session, mail, now)
    security_event("registration_requested", address=address)


async def verify_email(auth: Auth, secret: str, password: str, address: str) -> None:
    """Prove an address: makes the account of a registration, or completes a change of e-mail.

    The password must be the one of that registration: a stranger who registered somebody else's
    address gains nothing when its owner confirms.

    Raises:
        InvalidGrant: unknown, used or expired secret, or another password.
    """
    await auth.count(SECRET_ADDRESS, rate_limit_network(address))
    now = auth.clock.now()
    async with auth.database.read() as session:
        pending = await accounts.find_pending(session, hash_secret(secret), now)
        mover = await mailed_secrets.find_account(session, mailed_secrets.EMAIL_CHANGE, secret, now)
    owner = pending or mover
    right, _ = await auth.passwords.verify(password, owner.password_hash if owner else None)
    if not right:
        security_event("email_verification_failed", address=address)
        raise InvalidGrant
    async with auth.database.transaction() as session:
        prove = _make_account if pending else _move_account
        account_id = await prove(session, auth, secret, now)
    if account_id is None:
        raise InvalidGrant
    security_event("email_verified", account_id=account_id)


async def _make_account(
    session: AsyncSession, auth: Auth, secret: str, now: datetime
) -> UUID | None:
    taken = await accounts.take_pending(session, hash_secret(secret))
    if taken is None:
        return None
    await accounts.delete_pending_of(session, taken.email)
    return await accounts.insert_account(
        session,
        email=taken.email,
        password_hash=taken.password_hash,
        scope=" ".join(NEW_ACCOUNT_SCOPES),
        now=now,
        verified=True,
    )


async def _move_account(
    session: AsyncSession, auth: Auth, secret: str, now: datetime
) -> UUID | None:
    taken = await mailed_secrets.take(session, mailed_secrets.EMAIL_CHANGE, secret, now)
    if taken is None or taken.account_id is None or taken.new_email is None:
        return None
    before = await accounts.find_active(session, taken.account_id)
    if before is None:
        return None
    old_email = before.email
    if not await accounts.change_email(session, before.id, taken.new_email, now):
        return None
    # A reset code that went to the old address must not open the account any more.
    await mailed_secrets.delete_all_of(session, before.id)
    auth.outbox.put(session, mails.email_changed(old_email or ""), now)
    return before.id
