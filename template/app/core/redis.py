# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One Redis client for the process, with finite waits."""

from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import parse_qs, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.core.store_urls import OR_PRIVATE, THIS_MACHINE, password_findings

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


def redis_url_findings(text: str, *, private_network: bool) -> Iterator[str]:
    """Yield what is wrong with the address of a Redis in production."""
    url = urlsplit(text)
    if url.scheme == "unix":
        return
    options = parse_qs(url.query)
    password = url.password or options.get("password", [""])[0]
    yield from password_findings("REDIS_URL", password or None, url.username)
    here = private_network or (url.hostname or "") in THIS_MACHINE
    if not password and not here:
        yield "REDIS_URL has no password: set one on the server and in the URL"
    checked = url.scheme == "rediss" and options.get("ssl_cert_reqs", ["required"]) == ["required"]
    if not (checked or here):
        yield f"REDIS_URL does not ask for TLS with a checked certificate: rediss://, {OR_PRIVATE}"
