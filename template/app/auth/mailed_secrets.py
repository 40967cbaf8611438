# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Secrets that travel by mail: 256 random bits, stored as a hash, used once, bounded in number."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.derived_keys import hash_secret
from app.auth.models import Account, SingleUseSecret

RESET = "password_reset"
EMAIL_CHANGE = "email_change"
LIFETIME = timedelta(hours=1)  # a reset code in an inbox is worth an account


async def put(
    session: AsyncSession,
    purpose: str,
    secret: str,
    now: datetime,
    *,
    account_id: UUID | None,
    new_email: str | None = None,
) -> None:
    """Store the hash of a secret; without an account it is worth nothing, but costs the same."""
    await session.execute(
        insert(SingleUseSecret).values(
            secret_hash=hash_secret(secret),
            purpose=purpose,
            account_id=account_id,
            new_email=new_email,
            expires_at=now + LIFETIME,
        )
    )


async def find_account(
    session: AsyncSession, purpose: str, secret: str, now: datetime
) -> Account | None:
    """Return the active account whose secret this is, without using it."""
    statement = (
        select(Account)
        .join(SingleUseSecret, SingleUseSecret.account_id == Account.id)
        .where(
            SingleUseSecret.secret_hash == hash_secret(secret),
            SingleUseSecret.purpose == purpose,
            SingleUseSecret.expires_at > now,
            Account.active,
        )
    )
    return (await session.scalars(statement)).one_or_none()


async def take(
    session: AsyncSession, purpose: str, secret: str, now: datetime
) -> SingleUseSecret | None:
    """Delete a secret and return what it stands for: of many that try, one gets it (ASVS 6.4.1).

    Its account is locked first, as all that changes an account and then its secrets does.
    """
    owner = (
        select(Account.id)
        .join(SingleUseSecret, SingleUseSecret.account_id == Account.id)
        .where(SingleUseSecret.secret_hash == hash_secret(secret))
        .with_for_update(of=Account)
    )
    await session.execute(owner)
    statement = (
        delete(SingleUseSecret)
        .where(
            SingleUseSecret.secret_hash == hash_secret(secret),
            SingleUseSecret.purpose == purpose,
            SingleUseSecret.expires_at > now,
            SingleUseSecret.account_id.is_not(None),
        )
        .returning(SingleUseSecret)
        .execution_options(synchronize_session=False)
    )
    taken: SingleUseSecret | None = await session.scalar(statement)
    return taken


async def delete_all_of(session: AsyncSession, account_id: UUID) -> None:
    """Delete every open secret of an account: what was asked for before a change ends with it."""
    await session.execute(delete(SingleUseSecret).where(SingleUseSecret.account_id == account_id))


async def delete_expired(session: AsyncSession, now: datetime) -> None:
    """Delete the secrets that nobody used in time."""
    await session.execute(delete(SingleUseSecret).where(SingleUseSecret.expires_at <= now))
