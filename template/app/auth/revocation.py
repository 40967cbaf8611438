# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Denials: recorded with the change they belong to, delivered to the deny-list, asked per request.

Three things are denied: a token (`jti`), a session (`sid`), and every token of an account below a
version (`sub`). The table is the truth in every strategy; a deny-list is a copy of it. The order is
always database, deny-list, answer: what is committed is delivered sooner or later.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.deniable import Deniable
from app.auth.models import Revocation
from app.auth.security import LEEWAY, AccessClaims
from app.core.clock import Clock
from app.core.database import Database
from app.core.rate_limits import RateLimiter

DENIAL_MARGIN = timedelta(
    seconds=5
)  # beyond lifetime and leeway: rounding of seconds, slow commits
DELIVERY_BATCH = 500  # rows in one round; bounds memory and the time of one call


@dataclass(frozen=True)
class Denial:
    """One thing to refuse until its tokens have expired."""

    kind: str
    value: str
    version: int
    expires_at: datetime
    id: UUID = field(default_factory=uuid4)


_COLUMNS = select(
    Revocation.kind, Revocation.value, Revocation.version, Revocation.expires_at, Revocation.id
)


class RevocationStrategy(Protocol):
    """Where a denied access token is refused; one file each."""

    # Whether a recorded denial must still be carried to a deny-list to take effect.
    delivers: bool

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Tell whether the token is denied; raises ServiceUnavailable when that cannot be known."""
        ...

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Make denials hold on every worker; raises ServiceUnavailable when that is not known."""
        ...


async def nothing_to_follow() -> None:
    """Do nothing: the strategy has no news to wait for."""


@dataclass(frozen=True)
class Stores:
    """What a revocation strategy brings with it."""

    revocation: RevocationStrategy
    rate_limiter: RateLimiter
    # Name to a check that raises when the store cannot serve.
    readiness: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    # For `python -m app check`: what is wrong with the store's own configuration.
    problems: Callable[[], Awaitable[list[str]]] | None = None
    # Runs beside the requests of a worker until it is cancelled.
    follow: Callable[[], Coroutine[Any, Any, None]] = nothing_to_follow
    # Where a worker can ask at no cost: whether an API key in its memory was denied meanwhile.
    key_is_denied: Callable[[Deniable], Awaitable[bool]] | None = None


async def record_denial(
    session: AsyncSession,
    kind: str,
    value: object,
    *,
    now: datetime,
    access_lifetime: timedelta,
    version: int = 0,
) -> None:
    """Write a denial in the transaction of the change that it belongs to.

    Args:
        session: the transaction of the change.
        kind: "jti", "sid" or "sub".
        value: the token's (or API key's), session's or account's id.
        now: the current time, UTC.
        access_lifetime: how long a token issued this moment lives.
        version: with "sub", the lowest token_version that is still good.
    """
    session.add(
        Revocation(
            kind=kind,
            value=str(value),
            version=version,
            created_at=now,
            expires_at=now + access_lifetime + LEEWAY + DENIAL_MARGIN,
        )
    )
    await session.flush()


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

    async def _round(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        # What is committed from now on may be missed by this round: who comes now needs another.
        self._running, self._next = asyncio.current_task(), None
        now, full = self._clock.now(), True
        while full:
            async with self._database.statement() as session:
                denials = await _read_undelivered(session, now)
            if denials:
                await self._strategy.deliver(denials)
                await self._mark(denials, now)
            full = len(denials) == DELIVERY_BATCH

    async def _mark(self, denials: Sequence[Denial], now: datetime) -> None:
        ids = [denial.id for denial in denials]
        async with self._database.statement(writes=True) as session:
            await session.execute(
                update(Revocation).where(Revocation.id.in_(ids)).values(delivered_at=now)
            )


def _retrieve(delivery: asyncio.Task[None]) -> None:
    """Look at the outcome, so that nothing is logged when every client has hung up."""
    if not delivery.cancelled():
        delivery.exception()


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


async def read_living_denials(database: Database, now: datetime) -> AsyncIterator[Sequence[Denial]]:
    """Yield every denial that has not expired, in batches of one snapshot: a complete deny-list."""
    async with database.read() as session:
        rows = await session.stream(_COLUMNS.where(Revocation.expires_at > now))
        async for batch in rows.partitions(DELIVERY_BATCH):
            yield [Denial(*row) for row in batch]


async def _read_undelivered(session: AsyncSession, now: datetime) -> Sequence[Denial]:
    statement = (
        _COLUMNS.where(Revocation.expires_at > now, Revocation.delivered_at.is_(None))
        .order_by(Revocation.expires_at)
        .limit(DELIVERY_BATCH)
    )
    return [Denial(*row) for row in await session.execute(statement)]
