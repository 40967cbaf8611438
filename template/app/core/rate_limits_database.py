# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Rate limits counted in a table, by one upsert a hit, for all workers together."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import Clock
from app.core.database import Database, exclusive
from app.core.rate_limits import Limit, Window, rate_limit_counts

# How often a worker clears away ended windows.
PURGE_EVERY = timedelta(minutes=1)
# Ended windows are kept a little, for workers whose clocks are behind.
PURGE_DELAY = timedelta(minutes=1)


class DatabaseRateLimiter:
    """Counts each hit in a transaction of its own: a failed login must stay counted."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._purge_at = clock.now() + PURGE_EVERY

    async def hit(self, limit: Limit, key: str) -> int | None:
        """Count one hit; see `RateLimiter`."""
        now = self._clock.now()
        window = Window.of(limit, key, now)
        async with self._database.statement(writes=True) as session:
            count = await _increment(session, window)
        if now >= self._purge_at:
            self._purge_at = now + PURGE_EVERY
            await self._purge(now)
        return window.seconds_left(now) if count > limit.amount else None

    async def give_back(self, limit: Limit, key: str, *, at: datetime | None = None) -> None:
        """Take back one hit; see `RateLimiter`."""
        window = Window.of(limit, key, at or self._clock.now())
        counts = rate_limit_counts.c
        async with self._database.statement(writes=True) as session:
            await session.execute(
                update(rate_limit_counts)
                .where(counts.key == window.key, counts.count > 0)
                .values(count=counts.count - 1)
            )

    async def _purge(self, now: datetime) -> None:
        """Delete ended windows, one worker at a time: two deleting the same rows could deadlock."""
        async with self._database.transaction() as session:
            await exclusive(session, "rate_limit_purge")
            ended = rate_limit_counts.c.expires_at < now - PURGE_DELAY
            await session.execute(delete(rate_limit_counts).where(ended))


async def _increment(session: AsyncSession, window: Window) -> int:
    """Count and read in one statement, so that no two hits see the same count."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = (
        insert(rate_limit_counts)
        .values(key=window.key, expires_at=window.ends_at, count=1)
        .on_conflict_do_update(
            index_elements=[rate_limit_counts.c.key],
            set_={"count": rate_limit_counts.c.count + 1},
        )
        .returning(rate_limit_counts.c.count)
    )
    count: int = (await session.execute(statement)).scalar_one()
    return count
