# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Rate limits counted in Redis, or by each worker for itself while there is none."""

import asyncio
import time
from datetime import datetime
from typing import Any

from limits.aio.storage import MemoryStorage, RedisStorage
from redis.asyncio import Redis

from app.core.clock import Clock, SystemClock
from app.core.rate_limits import Limit, Window
from app.core.redis import REDIS_AWAY, REDIS_TIMEOUT

# Seconds a worker counts for itself before it asks a failed Redis again: a login counts several
# times, and must not wait for each.
RETRY_REDIS_AFTER = 1.0

# Never below none, and never a key without an end: Redis may have lost the count meanwhile.
_GIVE_BACK = """
if tonumber(redis.call("get", KEYS[1]) or "0") > 0 then redis.call("decr", KEYS[1]) end
"""


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

    Args:
        client: The service's Redis client; its pool is shared.
        prefix: Begins every key, so that services can share a Redis.
        clock: Decides which window a hit falls into.
    """

    def __init__(self, client: Redis, prefix: str = "service", clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        # limits hands its options on to redis-py; its types know numbers and texts only.
        options: dict[str, Any] = {"connection_pool": client.connection_pool}
        self._storage = RedisStorage(
            "async+redis://", implementation="redispy", key_prefix=f"{prefix}:limit", **options
        )
        self._decrement = client.register_script(_GIVE_BACK)
        self._fallback = MemoryRateLimiter(clock)
        self._retry_at = 0.0

    async def hit(self, limit: Limit, key: str) -> int | None:
        """Count one hit; see `RateLimiter`. Answers within 250 ms, whatever Redis does."""
        now = self._clock.now()
        window = Window.of(limit, key, now)
        left = window.seconds_left(now)
        if time.monotonic() >= self._retry_at:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT):
                    count = await self._storage.incr(window.key, left)
            except REDIS_AWAY:
                self._retry_at = time.monotonic() + RETRY_REDIS_AFTER
            else:
                return left if count > limit.amount else None
        return await self._fallback.hit(limit, key)

    async def give_back(self, limit: Limit, key: str, *, at: datetime | None = None) -> None:
        """Take back one hit; see `RateLimiter`."""
        window = Window.of(limit, key, at or self._clock.now())
        if time.monotonic() >= self._retry_at:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT):
                    await self._decrement([self._storage.bridge.prefixed_key(window.key)])
            except REDIS_AWAY:
                self._retry_at = time.monotonic() + RETRY_REDIS_AFTER
            else:
                return
        await self._fallback.give_back(limit, key, at=at)
