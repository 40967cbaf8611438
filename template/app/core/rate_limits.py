# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How often something may be tried: the protocol, and the table where production counts without Redis.

The strategies are `rate_limits_redis.py` and `rate_limits_database.py`; this module needs no third party but the
schema, which is the same in every combination of answers.
"""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Column, Index, Integer, String, Table

from app.core.database import Base, UTCDateTime


@dataclass(frozen=True)
class Limit:
    """At most `amount` hits of one key in a fixed window of `seconds`."""

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

    async def give_back(self, limit: Limit, key: str) -> None:
        """Take back exactly one hit of the current window, and never below none."""


# `key` is a SHA-256 over the limit's name and the key: addresses and e-mails are not stored here.
rate_limit_counts = Table(
    "rate_limit_count",
    Base.metadata,
    Column("key", String(64), primary_key=True),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("count", Integer, nullable=False),
    Index("ix_rate_limit_count_expires_at", "expires_at"),
)
