# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Deletes rows that no promise needs any more."""

from datetime import datetime

from sqlalchemy import delete

from app.auth import accounts, api_key_repository, mailed_secrets, repository
from app.auth.identity_models import OAuthCode, OAuthFlow
from app.auth.models import Revocation
from app.core.database import Database, exclusive


async def delete_old_rows(database: Database, now: datetime) -> int:
    """Delete ended sessions, unused secrets, expired denials; return how many sessions."""
    async with database.transaction() as session:
        # One worker at a time: two that delete the same rows in another order could deadlock.
        await exclusive(session, "clean-up")
        await accounts.delete_expired_pending(session, now)
        await mailed_secrets.delete_expired(session, now)
        await api_key_repository.delete_ended(session, now)
        for expiring in (Revocation, OAuthFlow, OAuthCode):
            await session.execute(delete(expiring).where(expiring.expires_at <= now))
        return await repository.delete_ended_sessions(session, now)
