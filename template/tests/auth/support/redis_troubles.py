# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Two Redis servers behind one address, and everything that can become of them.

Imported only by services that use Redis.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.redis import create_redis
from tests.auth.support.processes import Server
from tests.auth.support.servers import redis_server, scratch_directory
from tests.auth.support.slow_link import SlowLink, slow_link

AWAY = 1.0  # seconds that a server is stopped or killed
LATE = 0.3  # seconds by which answers come later; longer than a request waits for Redis
LATE_FOR = 3.0  # seconds
LOOPBACK = "127.0.0.1"


@dataclass
class RedisServers:
    """A server in use and another that can take its place.

    Attributes:
        url: what a service is given: the link.
        link: leads to the server in use.
        used: the server in use.
        spare: the other one.
    """

    url: str
    link: SlowLink
    used: Server
    spare: Server

    async def nothing(self) -> None:
        """Prepare nothing."""

    async def kill(self) -> None:
        """Kill the server; it comes back empty."""
        self.used.kill()
        await asyncio.sleep(AWAY)
        await asyncio.to_thread(self.used.start)

    async def pause(self) -> None:
        """Stop the server for a while, its connections open."""
        self.used.pause()
        await self._require_silence()
        await asyncio.sleep(AWAY)
        self.used.resume()

    async def flush(self) -> None:
        """Empty the server."""
        async with Redis.from_url(self.used.url) as client:
            await client.flushall()

    async def delay(self) -> None:
        """Let all answers come later for a while."""
        self.link.delay = LATE
        await self._require_silence()
        await asyncio.sleep(LATE_FOR)
        self.link.delay = 0.0

    async def save(self) -> None:
        """Write what the server holds to disk."""
        async with Redis.from_url(self.used.url) as client:
            await client.save()

    async def restore(self) -> None:
        """Kill the server; it comes back with what it wrote to disk."""
        self.used.kill()
        await asyncio.to_thread(self.used.start)
        async with Redis.from_url(self.used.url) as client:
            directory = str((await client.config_get("dir"))["dir"])
        (Path(directory) / "dump.rdb").unlink()  # whoever is killed next comes back empty

    async def replicate(self) -> None:
        """Let the other server become a replica, and then fall behind for good."""
        async with Redis.from_url(self.used.url) as used, Redis.from_url(self.spare.url) as spare:
            await spare.replicaof(LOOPBACK, str((await used.config_get("port"))["port"]))
            async with asyncio.timeout(30):
                while not await _follows(spare):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
            await spare.replicaof("NO", "ONE")

    async def empty_spare(self) -> None:
        """Empty the other server."""
        async with Redis.from_url(self.spare.url) as spare:
            await spare.flushall()

    async def fail_over(self) -> None:
        """Let the other server take the place of this one, which nobody reaches any more."""
        self.used, self.spare = self.spare, self.used
        self.link.lead_to(_socket_of(self.used))

    async def _require_silence(self) -> None:
        """Make sure that nobody who asks as the service does hears an answer."""
        client = create_redis(self.url)
        with pytest.raises(RedisError):
            await client.ping()
        await client.aclose()


Step = Callable[[RedisServers], Awaitable[None]]


@dataclass(frozen=True)
class Trouble:
    """Something that becomes of a Redis.

    Attributes:
        prepare: done a while before.
        strike: the trouble itself.
        forgets: whether the Redis of afterwards cannot be the memory that it was before.
    """

    prepare: Step
    strike: Step
    forgets: bool


TROUBLES = {
    "killed": Trouble(RedisServers.nothing, RedisServers.kill, forgets=True),
    "paused": Trouble(RedisServers.nothing, RedisServers.pause, forgets=False),
    "flushed": Trouble(RedisServers.nothing, RedisServers.flush, forgets=True),
    "failed over, empty": Trouble(RedisServers.empty_spare, RedisServers.fail_over, forgets=True),
    "failed over, stale": Trouble(RedisServers.replicate, RedisServers.fail_over, forgets=True),
    "restored": Trouble(RedisServers.save, RedisServers.restore, forgets=True),
    "delayed": Trouble(RedisServers.nothing, RedisServers.delay, forgets=False),
}


@asynccontextmanager
async def two_redis_servers() -> AsyncGenerator[RedisServers]:
    """Run two servers of a test's own, and the link to the one in use."""
    with ExitStack() as running:
        used, spare = (running.enter_context(redis_server(*_by_tcp())) for _ in range(2))
        directory = running.enter_context(scratch_directory())
        async with slow_link(_socket_of(used), directory / "link.sock") as link:
            yield RedisServers(f"unix://{directory / 'link.sock'}", link, used, spare)


def _by_tcp() -> list[str]:
    """Return the options that let a replica reach a server."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return ["--port", str(free.getsockname()[1]), "--bind", LOOPBACK]


async def _follows(replica: Redis) -> bool:
    """Tell whether a server has taken up what its primary holds."""
    return bool((await replica.info("replication"))["master_link_status"] == "up")


def _socket_of(server: Server) -> Path:
    return Path(server.url.removeprefix("unix://"))
