# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Deletes rows that no promise needs any more."""

from datetime import datetime

from sqlalchemy import delete

from app.auth import accounts, mailed_secrets, repository
from app.auth.models import Revocation
from app.core.database import Database
from app.core.rate_limits import rate_limit_counts


async def delete_old_rows(database: Database, now: datetime) -> int:
    """Delete ended sessions, unused secrets, expired denials; return how many sessions."""
    async with database.transaction() as session:
        await accounts.delete_expired_pending(session, now)
        await mailed_secrets.delete_expired(session, now)
        await session.execute(delete(Revocation).where(Revocation.expires_at <= now))
        await session.execute(
            delete(rate_limit_counts).where(rate_limit_counts.c.expires_at <= now)
        )
        return await repository.delete_ended_sessions(session, now)
