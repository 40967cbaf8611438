# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One Redis client for the process, with finite waits."""

from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

# Seconds. A request waits for Redis once and no longer; with redis-py's own defaults (retries, no
# time-out) a Redis that hangs holds each request for up to a minute.
REDIS_TIMEOUT = 0.25
# Connections at once; a burst above it fails fast instead of queueing behind a slow Redis.
MAX_CONNECTIONS = 200


def create_redis(
    url: str, on_connect: Callable[[AbstractConnection], Awaitable[None]] | None = None
) -> Redis:
    """Return a client with a pool; it connects with the first command.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        on_connect: Called with each new connection, whose handshake it must make (redis-py's
            redis_connect_func).
    """
    return Redis.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
        redis_connect_func=on_connect,
    )
