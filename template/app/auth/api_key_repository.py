# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every statement about API keys; each decision is one atomic statement."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.api_key_models import ApiKey
from app.auth.models import Account
from app.auth.revocation import record_denial

KEEP_ENDED_KEYS = timedelta(days=30)  # for the question "which key was that?"
MAX_LISTED_KEYS = 200  # bounds one answer


def is_living(now: datetime) -> Sequence[ColumnElement[bool]]:
    """Return the conditions under which a key is alive, its owner's aside."""
    return ApiKey.revoked_at.is_(None), ApiKey.expires_at > now


class KeyState(NamedTuple):
    """What decides about a key; columns and no entities, which would take time to be made."""

    id: str
    kind: str
    key_hash: bytes
    scope: str
    expires_at: datetime
    revoked_at: datetime | None
    account_id: UUID
    owner_scope: str
    owner_active: bool
    owner_version: int


async def find_state(session: AsyncSession, key_id: str) -> KeyState | None:
    """Return the state of a key and its owner."""
    statement = (
        select(
            *(ApiKey.id, ApiKey.kind, ApiKey.key_hash, ApiKey.scope, ApiKey.expires_at),
            *(ApiKey.revoked_at, Account.id, Account.scope, Account.active, Account.token_version),
        )
        .join(Account, Account.id == ApiKey.account_id)
        .where(ApiKey.id == key_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else KeyState._make(row)


async def find_with_owner(
    session: AsyncSession, key_id: str, *, lock: bool = False
) -> tuple[ApiKey, Account] | None:
    """Return a key and its owner, whatever their state.

    Args:
        session: the transaction.
        key_id: the public id.
        lock: keep the owner as it is until the end of the transaction (PostgreSQL); all that
            changes both takes the account first, so that nobody waits for each other.
    """
    statement = (
        select(ApiKey, Account)
        .join(Account, Account.id == ApiKey.account_id)
        .where(ApiKey.id == key_id)
    )
    if lock:
        statement = statement.with_for_update(read=True, of=Account)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def find_of(session: AsyncSession, account_id: UUID, key_id: str) -> ApiKey | None:
    """Return a key of this account, whatever its state."""
    statement = select(ApiKey).where(ApiKey.id == key_id, ApiKey.account_id == account_id)
    return (await session.scalars(statement)).one_or_none()


async def list_of(session: AsyncSession, account_id: UUID) -> Sequence[ApiKey]:
    """Return the keys of an account, ended ones of the last 30 days included, newest first."""
    statement = (
        select(ApiKey)
        .where(ApiKey.account_id == account_id)
        .order_by(ApiKey.created_at.desc(), ApiKey.id)
        .limit(MAX_LISTED_KEYS)
    )
    return (await session.scalars(statement)).all()


async def count_living(session: AsyncSession, account_id: UUID, now: datetime) -> int:
    """Return how many keys an account has; one that was rotated is not counted twice."""
    statement = select(func.count()).where(
        ApiKey.account_id == account_id, ApiKey.rotated_at.is_(None), *is_living(now)
    )
    return int(await session.scalar(statement) or 0)


async def mark_rotated(
    session: AsyncSession, key_id: str, now: datetime, overlap: timedelta
) -> bool:
    """Let a living key end after the overlap at the latest; of many that try, one succeeds."""
    end = now + overlap
    statement = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.rotated_at.is_(None), *is_living(now))
        .values(
            rotated_at=now, expires_at=case((ApiKey.expires_at < end, ApiKey.expires_at), else_=end)
        )
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None


async def revoke(session: AsyncSession, key_id: str, reason: str, now: datetime) -> bool:
    """Revoke a key; False when it is unknown or was revoked before."""
    statement = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now, revoke_reason=reason)
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None


async def revoke_all(
    session: AsyncSession, reason: str, now: datetime, account_id: UUID | None = None
) -> Sequence[str]:
    """Revoke every key of an account, or of everybody; return the ids of those that were alive."""
    living = select(ApiKey.id).where(*is_living(now))
    if account_id is not None:
        living = living.where(ApiKey.account_id == account_id)
    revoked = await session.scalars(
        update(ApiKey)
        .where(ApiKey.id.in_(_in_one_order(living)))
        .values(revoked_at=now, revoke_reason=reason)
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    return revoked.all()


async def deny(
    session: AsyncSession, key_ids: Iterable[str], now: datetime, access_lifetime: timedelta
) -> None:
    """Write that keys were revoked where workers read it before they believe what they remember.

    Args:
        session: the transaction that revokes them.
        key_ids: their public ids.
        now: the current time, UTC.
        access_lifetime: of a token, for which denials are kept; keys are remembered for 30 s.
    """
    for key_id in key_ids:
        await record_denial(session, "jti", key_id, now=now, access_lifetime=access_lifetime)


async def delete_of(session: AsyncSession, account_id: UUID) -> None:
    """Delete every key of an account: they hold labels and addresses of a person."""
    ids = select(ApiKey.id).where(ApiKey.account_id == account_id)
    await session.execute(delete(ApiKey).where(ApiKey.id.in_(_in_one_order(ids))))


async def delete_ended(session: AsyncSession, now: datetime) -> None:
    """Delete the keys that ended more than 30 days ago."""
    before = now - KEEP_ENDED_KEYS
    await session.execute(
        delete(ApiKey).where((ApiKey.expires_at < before) | (ApiKey.revoked_at < before))
    )


def _in_one_order(ids: Select[str]) -> Select[str]:
    """Lock rows in the order of their ids, as api_key_uses.py does: nobody waits for each other."""
    return ids.order_by(ApiKey.id).with_for_update()
