# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How often something may be tried: the protocol, the windows, and the table.

The strategies are `rate_limits_redis.py` and `rate_limits_database.py`. The table is the same in
every combination of answers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import ceil
from typing import Protocol

from sqlalchemy import Column, Integer, String, Table

from app.core.database import Base, UTCDateTime


@dataclass(frozen=True)
class Limit:
    """At most `amount` hits of one key in a window of `seconds`."""

    name: str
    amount: int
    seconds: int


class RateLimiter(Protocol):
    """Counts hits of a key against a limit."""

    async def hit(self, limit: Limit, key: str) -> int | None:
        """Count one hit atomically, before the work it stands for is done.

        Returns:
            None when it is allowed, else the whole seconds (at least 1) until the window ends.
        """

    async def give_back(self, limit: Limit, key: str, *, at: datetime | None = None) -> None:
        """Take back one hit, never below none.

        Args:
            limit: The limit that was hit.
            key: The key that was counted.
            at: When the hit was counted, so that a window begun since keeps its count; now if left
                out.
        """


@dataclass(frozen=True)
class Window:
    """The stretch of time in which a hit counts; windows lie end to end, the same for all workers.

    Around the end of one, twice the amount can meet within a moment, never more. What can be tried
    in a day is the same as with a window that slides, for which each hit would have to be kept.

    Attributes:
        key: SHA-256 of limit, key and start: addresses and e-mails are not stored.
        ends_at: When its count is forgotten.
    """

    key: str
    ends_at: datetime

    @classmethod
    def of(cls, limit: Limit, key: str, at: datetime) -> "Window":
        """Return the window of a limit and key that a moment falls into."""
        number = int(at.timestamp()) // limit.seconds
        digest = sha256(f"{limit.name}\n{limit.seconds}\n{number}\n{key}".encode()).hexdigest()
        return cls(digest, datetime.fromtimestamp((number + 1) * limit.seconds, UTC))

    def seconds_left(self, now: datetime) -> int:
        """Return the whole seconds after which the window has ended, at least 1 (Retry-After)."""
        return max(1, ceil((self.ends_at - now).total_seconds()))


rate_limit_counts = Table(
    "rate_limit_count",
    Base.metadata,
    Column("key", String(64), primary_key=True),
    Column("expires_at", UTCDateTime, nullable=False, index=True),
    Column("count", Integer, nullable=False),
)
