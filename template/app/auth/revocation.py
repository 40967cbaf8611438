# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Denials: recorded with the change they belong to, delivered to the deny-list, asked per request.

Three things are denied: a token (`jti`), a session (`sid`), and every token of an account below a
version (`sub`). The table is the truth in every strategy; a deny-list is a copy of it. The order is
always database, deny-list, answer: what is committed is delivered sooner or later.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.deniable import Deniable
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


COLUMNS = select(
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


async def read_living_denials(database: Database, now: datetime) -> AsyncIterator[Sequence[Denial]]:
    """Yield every denial that has not expired, in batches of one snapshot: a complete deny-list."""
    async with database.read() as session:
        rows = await session.stream(COLUMNS.where(Revocation.expires_at > now))
        async for batch in rows.partitions(DELIVERY_BATCH):
            yield [Denial(*row) for row in batch]
