# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One Redis client for the process, with finite waits."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

from pydantic import AfterValidator
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.core.store_urls import OR_PRIVATE, THIS_MACHINE, password_findings

# Seconds. A request waits for Redis once and no longer; with redis-py's own defaults (retries, no
# time-out) a Redis that hangs holds each request for up to a minute.
REDIS_TIMEOUT = 0.25
SCHEMES = ("redis", "rediss", "unix")
# Connections at once; a burst above it fails fast instead of queueing behind a slow Redis.
MAX_CONNECTIONS = 200
# What a client raises when its server cannot be reached. The last is uvloop's word for a connection
# that was closed a moment before something was written to it; redis-py lets it through.
REDIS_AWAY = (RedisError, OSError, RuntimeError)


# The `run_id` of the server process that each connection leads to, for as long as it lives.
_run_ids: WeakKeyDictionary[AbstractConnection, str] = WeakKeyDictionary()


def create_redis(url: str, timeout: float = REDIS_TIMEOUT) -> Redis:
    """Return a client with a pool; it connects with the first command.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout: Seconds that one answer may take; more than `REDIS_TIMEOUT` only where no request
            waits for it.
    """
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
        redis_connect_func=_learn_run_id,
    )


def run_id_of(connection: AbstractConnection) -> str:
    """Return which process of a server a connection leads to; empty before it was opened."""
    return _run_ids.get(connection, "")


async def _learn_run_id(connection: AbstractConnection) -> None:
    """Make the handshake (redis-py's redis_connect_func) and ask the server who it is."""
    _run_ids.pop(connection, None)
    await connection.on_connect()
    await connection.send_command("INFO", "server")
    answer: bytes = await connection.read_response()
    for line in answer.split(b"\r\n"):
        if line.startswith(b"run_id:"):
            _run_ids[connection] = line.removeprefix(b"run_id:").decode()


async def drop_idle_connections(client: Redis) -> None:
    """Close the connections that nobody uses now, as after an answer that failed.

    Each in one step, which redis-py's own `disconnect` of the pool is not: it waits, and whoever
    takes a connection meanwhile finds it half closed.
    """
    idle = client.connection_pool._available_connections
    for connection in list(idle):
        if connection in idle:
            await connection.disconnect(nowait=True)


def _checked(text: str) -> str:
    try:
        good = not text or (urlsplit(text).scheme in SCHEMES and urlsplit(text).port != 0)
    except ValueError:  # a port that is no number
        good = False
    if not good:
        raise ValueError("must be an address that begins with redis://, rediss:// or unix://")
    return text


# An address of a Redis, or nothing. An error never repeats it, it may hold a password.
RedisUrl = Annotated[str, AfterValidator(_checked)]


def redis_url_findings(text: str, *, private_network: bool) -> Iterator[str]:
    """Yield what is wrong with the address of a Redis in production."""
    url = urlsplit(text)
    if not text:
        yield "REDIS_URL is missing: token_revocation is redis."
    if url.scheme in {"", "unix"}:
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
