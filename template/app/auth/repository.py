# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every statement about sessions and refresh tokens; each decision is one atomic statement."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.models import Account, AuthSession, RefreshToken

KEEP_ENDED_SESSIONS = timedelta(days=30)  # for the question "what happened to my session?"
MAX_LISTED_SESSIONS = 100  # bounds one answer; the rest shows as older ones end


def is_alive(now: datetime) -> Sequence[ColumnElement[bool]]:
    """Return the conditions under which a session is alive, its account's included."""
    return (
        AuthSession.revoked_at.is_(None),
        AuthSession.idle_expires_at > now,
        AuthSession.absolute_expires_at > now,
        exists().where(
            Account.id == AuthSession.account_id,
            Account.active,
            Account.token_version == AuthSession.token_version,
        ),
    )


async def insert_refresh_token(
    session: AsyncSession,
    *,
    session_id: UUID,
    generation: int,
    token_hash: bytes,
    salt: bytes,
    now: datetime,
) -> None:
    """Insert one generation of a session's refresh token."""
    await session.execute(
        insert(RefreshToken).values(
            id=uuid4(),
            session_id=session_id,
            generation=generation,
            token_hash=token_hash,
            salt=salt,
            issued_at=now,
            retries=0,
        )
    )


async def touch_session(
    session: AsyncSession, session_id: UUID, now: datetime, idle_lifetime: timedelta
) -> AuthSession | None:
    """Note a refresh and move the idle limit; None when the session or its account is not alive."""
    statement = (
        update(AuthSession)
        .where(AuthSession.id == session_id, *is_alive(now))
        .values(last_refreshed_at=now, idle_expires_at=now + idle_lifetime)
        .returning(AuthSession)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    touched: AuthSession | None = await session.scalar(statement)
    return touched


async def find_refresh_token(
    session: AsyncSession, token_hash: bytes
) -> tuple[RefreshToken, AuthSession] | None:
    """Return a refresh token and its session, whatever their state."""
    statement = (
        select(RefreshToken, AuthSession)
        .join(AuthSession, AuthSession.id == RefreshToken.session_id)
        .where(RefreshToken.token_hash == token_hash)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def end_session(
    session: AsyncSession, session_id: UUID, reason: str, now: datetime
) -> AuthSession | None:
    """End a session; None when it is unknown or has ended already."""
    statement = (
        update(AuthSession)
        .where(AuthSession.id == session_id, AuthSession.revoked_at.is_(None))
        .values(revoked_at=now, revoke_reason=reason)
        .returning(AuthSession)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    ended: AuthSession | None = await session.scalar(statement)
    return ended


async def end_all_sessions(
    session: AsyncSession, account_id: UUID, reason: str, now: datetime
) -> None:
    """End every session of an account."""
    await session.execute(
        update(AuthSession)
        .where(AuthSession.account_id == account_id, AuthSession.revoked_at.is_(None))
        .values(revoked_at=now, revoke_reason=reason)
    )


async def living_sessions(
    session: AsyncSession, account_id: UUID, now: datetime
) -> Sequence[AuthSession]:
    """Return the living sessions of an account, the latest used first."""
    statement = (
        select(AuthSession)
        .where(AuthSession.account_id == account_id, *is_alive(now))
        .order_by(AuthSession.last_refreshed_at.desc(), AuthSession.id)
        .limit(MAX_LISTED_SESSIONS)
    )
    return (await session.scalars(statement)).all()


async def delete_ended_sessions(session: AsyncSession, now: datetime) -> int:
    """Delete the sessions, and with them the tokens, that ended more than 30 days ago."""
    before = now - KEEP_ENDED_SESSIONS
    ended = (AuthSession.absolute_expires_at < before) | (AuthSession.idle_expires_at < before)
    statement = delete(AuthSession).where(ended | (AuthSession.revoked_at < before))
    deleted = await session.scalars(statement.returning(AuthSession.id))
    return len(deleted.all())
