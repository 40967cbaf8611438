# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Rate limits counted in Redis, or by each worker for itself while there is none."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

from limits.aio.storage import MemoryStorage
from redis.asyncio import Redis

from app.core.batching import Batches
from app.core.clock import Clock, SystemClock
from app.core.rate_limits import Limit, Window
from app.core.redis import REDIS_AWAY, REDIS_TIMEOUT

# Seconds a worker counts for itself before it asks a failed Redis again: a login counts several
# times, and must not wait for each.
RETRY_REDIS_AFTER = 1.0
MAX_CHANGES = 500  # in one run of the script, which nothing else in Redis runs beside

# Counts one for each key, or with 0 seconds takes one back: never below none, and never a key
# without an end, for Redis may have lost the count meanwhile.
_COUNT = """
local counts = {}
for i, key in ipairs(KEYS) do
    local seconds = tonumber(ARGV[i])
    if seconds > 0 then
        counts[i] = redis.call("incr", key)
        if counts[i] == 1 then redis.call("expire", key, seconds) end
    else
        counts[i] = tonumber(redis.call("get", key) or "0")
        if counts[i] > 0 then counts[i] = redis.call("decr", key) end
    end
end
return counts
"""
_TAKE_BACK = 0

Change = tuple[str, int]  # a key, and the seconds after which its count is forgotten


class MemoryRateLimiter:
    """Counts in this process: for local use, and while Redis is down."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._storage = MemoryStorage()

    async def hit(self, limit: Limit, key: str) -> int | None:
        """Count one hit; see `RateLimiter`."""
        now = self._clock.now()
        window = Window.of(limit, key, now)
        count = await self._storage.incr(window.key, window.seconds_left(now))
        return window.seconds_left(now) if count > limit.amount else None

    async def give_back(self, limit: Limit, key: str, *, at: datetime | None = None) -> None:
        """Take back one hit; see `RateLimiter`."""
        await self._storage.decr(Window.of(limit, key, at or self._clock.now()).key)


class RedisRateLimiter:
    """Counts in Redis for all workers together; while it is down, each worker counts for itself.

    What many requests count at once, as in a flood of logins, travels together.

    Args:
        client: The service's Redis client; its pool is shared.
        prefix: Begins every key, so that services can share a Redis.
        clock: Decides which window a hit falls into.
    """

    def __init__(self, client: Redis, prefix: str = "service", clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._prefix = f"{prefix}:limit"
        self._script = client.register_script(_COUNT)
        self._changes = Batches(self._change, MAX_CHANGES)
        self._fallback = MemoryRateLimiter(clock)
        self._retry_at = 0.0

    async def hit(self, limit: Limit, key: str) -> int | None:
        """Count one hit; see `RateLimiter`. Answers within 250 ms, whatever Redis does."""
        now = self._clock.now()
        window = Window.of(limit, key, now)
        left = window.seconds_left(now)
        count = await self._count(window.key, left)
        if count is None:
            return await self._fallback.hit(limit, key)
        return left if count > limit.amount else None

    async def give_back(self, limit: Limit, key: str, *, at: datetime | None = None) -> None:
        """Take back one hit; see `RateLimiter`."""
        window = Window.of(limit, key, at or self._clock.now())
        if await self._count(window.key, _TAKE_BACK) is None:
            await self._fallback.give_back(limit, key, at=at)

    async def _count(self, key: str, seconds: int) -> int | None:
        """Return the count after a change, None while Redis is away."""
        if time.monotonic() < self._retry_at:
            return None
        try:
            async with asyncio.timeout(REDIS_TIMEOUT):
                return await self._changes.ask((f"{self._prefix}:{key}", seconds))
        except REDIS_AWAY:
            self._retry_at = time.monotonic() + RETRY_REDIS_AFTER
            return None

    async def _change(self, changes: Sequence[Change]) -> Sequence[int]:
        keys, seconds = zip(*changes, strict=True)
        counts: Sequence[int] = await self._script(keys, seconds)
        return counts
