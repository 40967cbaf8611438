# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""From the table of denials to the deny-list: what is committed is delivered sooner or later."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.models import Revocation
from app.auth.revocation import COLUMNS, DELIVERY_BATCH, Denial, RevocationStrategy
from app.core.clock import Clock
from app.core.database import Database

log = structlog.get_logger()


class Delivery:
    """Carries what is committed to the deny-list, in one round for all who ask meanwhile.

    Args:
        database: where the denials are.
        strategy: the deny-list.
        clock: the service's clock.
    """

    def __init__(self, database: Database, strategy: RevocationStrategy, clock: Clock) -> None:
        self._database = database
        self._strategy = strategy
        self._clock = clock
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._marking: asyncio.Task[None] | None = None

    async def deliver(self) -> None:
        """Return when every denial that is committed by now holds.

        Raises:
            ServiceUnavailable: that is not known; what is not there stays for the next round.
        """
        if not self._strategy.delivers:
            return
        if self._next is None:
            self._next = asyncio.create_task(self._round(self._running))
            self._next.add_done_callback(_retrieve)
        # Shielded: the others wait on when the client that came first hangs up.
        await asyncio.shield(self._next)

    async def marked(self) -> None:
        """Return when what was delivered is marked as such, or could not be."""
        await _ended(self._marking)

    async def _round(self, before: asyncio.Task[None] | None) -> None:
        await _ended(before)
        # What is committed from now on may be missed by this round: who comes now needs another.
        self._running, self._next = asyncio.current_task(), None
        await self.marked()
        now, full = self._clock.now(), True
        while full:
            async with self._database.statement() as session:
                denials = await _read_undelivered(session, now)
            if not denials:
                return
            await self._strategy.deliver(denials)
            # They hold, so nobody waits for the mark: without it they are delivered once more.
            self._marking = asyncio.create_task(self._mark(denials, now))
            self._marking.add_done_callback(_log_failure)
            if full := len(denials) == DELIVERY_BATCH:
                await self._marking

    async def _mark(self, denials: Sequence[Denial], now: datetime) -> None:
        ids = [denial.id for denial in denials]
        async with self._database.statement(writes=True) as session:
            await session.execute(
                update(Revocation).where(Revocation.id.in_(ids)).values(delivered_at=now)
            )


async def _ended(task: asyncio.Task[None] | None) -> None:
    """Wait for a task, however it ends; at no cost for one that has: a busy loop's turn is long."""
    if task is not None and not task.done():
        await asyncio.wait([task])


def _retrieve(delivery: asyncio.Task[None]) -> None:
    """Look at the outcome, so that nothing is logged when every client has hung up."""
    if not delivery.cancelled():
        delivery.exception()


def _log_failure(marking: asyncio.Task[None]) -> None:
    """Say that denials will be delivered once more: nobody else hears of it."""
    if not marking.cancelled() and (error := marking.exception()):
        log.warning("denials_not_marked", error=type(error).__name__)


async def oldest_undelivered(
    database: Database, strategy: RevocationStrategy, now: datetime
) -> datetime | None:
    """Return when the oldest denial that waits for its delivery was made; None when none waits."""
    if not strategy.delivers:
        return None
    statement = select(func.min(Revocation.created_at)).where(
        Revocation.delivered_at.is_(None), Revocation.expires_at > now
    )
    async with database.read() as session:
        return await session.scalar(statement)


async def _read_undelivered(session: AsyncSession, now: datetime) -> Sequence[Denial]:
    statement = (
        COLUMNS.where(Revocation.expires_at > now, Revocation.delivered_at.is_(None))
        .order_by(Revocation.expires_at)
        .limit(DELIVERY_BATCH)
    )
    return [Denial(*row) for row in await session.execute(statement)]
