# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Denials: recorded with the change they belong to, delivered to the deny-list, asked per request.

Three things are denied: a token (`jti`), a session (`sid`), and every token of an account below a
version (`sub`). The table is the truth in every strategy; a deny-list is a copy of it. The order is
always database, deny-list, answer: what is committed is delivered sooner or later.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.models import Revocation
from app.auth.security import LEEWAY, AccessClaims
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


class RevocationStrategy(Protocol):
    """Where a denied access token is refused; one file each."""

    # Whether a recorded denial must still be carried to a deny-list to take effect.
    delivers: bool

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Tell whether the token is denied; raises ServiceUnavailable when that cannot be known."""
        ...

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Put denials on the deny-list; raises ServiceUnavailable when they are not there."""
        ...


@dataclass(frozen=True)
class Stores:
    """What a revocation strategy brings with it."""

    revocation: RevocationStrategy
    rate_limiter: RateLimiter
    # Name to a check that raises when the store cannot serve.
    readiness: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    # For `python -m app check`: what is wrong with the store's own configuration.
    problems: Callable[[], Awaitable[list[str]]] | None = None


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
        value: the token's, session's or account's id.
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


async def deliver_pending(database: Database, strategy: RevocationStrategy, now: datetime) -> None:
    """Carry every committed denial that is not yet on the deny-list there, this caller's included.

    Raises:
        ServiceUnavailable: the deny-list cannot be written; the rest stays for the next call.
    """
    while strategy.delivers:
        async with database.read() as session:
            denials = await _read_denials(session, now, undelivered=True)
        if not denials:
            return
        await strategy.deliver(denials)
        async with database.transaction() as session:
            await session.execute(
                update(Revocation)
                .where(Revocation.id.in_([denial.id for denial in denials]))
                .values(delivered_at=now)
            )


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


async def read_living_denials(database: Database, now: datetime) -> Sequence[Denial]:
    """Return every denial that has not expired: the content of a complete deny-list."""
    async with database.read() as session:
        return await _read_denials(session, now, undelivered=False)


async def _read_denials(
    session: AsyncSession, now: datetime, *, undelivered: bool
) -> Sequence[Denial]:
    statement = select(Revocation).where(Revocation.expires_at > now)
    if undelivered:
        statement = (
            statement.where(Revocation.delivered_at.is_(None))
            .order_by(Revocation.expires_at)
            .limit(DELIVERY_BATCH)
        )
    rows = await session.scalars(statement)
    return [Denial(row.kind, row.value, row.version, row.expires_at, row.id) for row in rows]
