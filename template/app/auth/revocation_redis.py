# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The strategy `redis`: one MGET a request against a deny-list that every worker shares.

Redis holds a copy, and says so: the epoch key names the server process (`run_id`) on which the copy
was last made complete. A flushed, restarted, restored or failed-over Redis has no epoch or another
process's, and then the copy is made again from the database before anything is trusted. Each
process of the service does so once, when it begins: another strategy may have been at work since.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from app.auth.revocation import Denial, Stores, read_living_denials
from app.auth.revocation_memory import MemoryRevocation
from app.auth.security import AccessClaims
from app.auth.settings import BaseAuthSettings
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ServiceUnavailable
from app.core.rate_limits_redis import MemoryRateLimiter, RedisRateLimiter
from app.core.redis import create_redis, redis_url_findings

REBUILD_MILLISECONDS = 60_000  # a copy that takes longer is begun again
WRITE_BATCH = 500  # entries in one script call, which blocks Redis for about a millisecond

# Keeps the highest version and the longest life, so that deliveries may come twice or out of order.
_WRITE_SCRIPT = """
for i = 1, #KEYS do
  local version, ttl = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local current = tonumber(redis.call('GET', KEYS[i]) or '-1')
  ttl = math.max(ttl, redis.call('PTTL', KEYS[i]))
  redis.call('SET', KEYS[i], math.max(version, current), 'PX', ttl)
end
"""

# The marker becomes the epoch, unless it has been lost with what was copied before.
_EPOCH_SCRIPT = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
redis.call('PERSIST', KEYS[2])
"""

log = structlog.get_logger()


class AuthSettings(BaseAuthSettings):
    """The settings of this strategy."""

    # redis:// or rediss://; empty only in local use, where one process keeps the list itself.
    redis_url: str = ""
    # Services that share a Redis must not share keys. Empty: the issuer.
    redis_key_prefix: str = ""

    def findings(self) -> list[str]:
        """Return every reason not to start, one sentence each."""
        found = super().findings()
        if self.production and not self.redis_url:
            found.append("REDIS_URL is missing: token_revocation is redis.")
        elif self.production:
            private = self.stores_network_is_private
            found += redis_url_findings(self.redis_url, private_network=private)
        return found


class RedisRevocation:
    """A deny-list in Redis.

    Args:
        settings: address, key prefix, and what to do when Redis cannot be read.
        database: the truth from which the list is made again.
        clock: the service's clock.
    """

    delivers = True

    def __init__(self, settings: AuthSettings, database: Database, clock: Clock) -> None:
        self.client = create_redis(settings.redis_url, on_connect=self._learn_run_id)
        self.prefix = settings.redis_key_prefix or settings.issuer
        self._epoch_key = f"{self.prefix}:deny:epoch"
        self._database = database
        self._clock = clock
        self._fail_open = settings.revocation_fail_open
        self._run_id = ""
        self._seen_whole = ""  # the run_id on which this process knows the copy to be complete
        self._one_rebuild = asyncio.Lock()
        self._set_epoch = self.client.register_script(_EPOCH_SCRIPT)
        self._write_entries = self.client.register_script(_WRITE_SCRIPT)

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Tell whether token, session or version of the account is on the list."""
        try:
            return await self._ask(claims)
        except (RedisError, OSError, ServiceUnavailable) as error:
            with suppress(RedisError, OSError):
                # A restarted server closed them all: else each would fail a request of its own.
                await self.client.connection_pool.disconnect(inuse_connections=False)
            if self._fail_open:
                return False
            raise ServiceUnavailable(retry_after=1) from error

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Put denials on the list."""
        try:
            await self._write(denials)
        except (RedisError, OSError) as error:
            raise ServiceUnavailable(retry_after=1) from error

    async def ping(self) -> None:
        """Raise when Redis does not answer."""
        await self.client.ping()

    async def problems(self) -> list[str]:
        """Return what is wrong with the server's own configuration, one sentence each."""
        try:
            policy = (await self.client.info("memory")).get("maxmemory_policy")
        except (RedisError, OSError) as error:
            return [f"REDIS_URL: Redis does not answer ({type(error).__name__})."]
        if policy != "noeviction":
            return [f"Redis must have maxmemory-policy noeviction, not {policy}: it drops denials."]
        return []

    async def _ask(self, claims: AccessClaims) -> bool:
        keys = [
            self._epoch_key,
            self._key("jti", claims.token_id),
            self._key("sid", str(claims.session_id)),
            self._key("sub", str(claims.subject)),
        ]
        epoch, token, session, version = await self.client.mget(keys)
        if not self._trusts(epoch):
            await self._rebuild()
            epoch, token, session, version = await self.client.mget(keys)
            if not self._trusts(epoch):
                raise ServiceUnavailable(retry_after=1)
        too_old = version is not None and claims.version < int(version)
        return token is not None or session is not None or too_old

    def _trusts(self, epoch: bytes | str | None) -> bool:
        return isinstance(epoch, bytes) and epoch.decode() == self._run_id == self._seen_whole

    async def _rebuild(self) -> None:
        async with self._one_rebuild:
            run_id = self._run_id  # of before the copy: a change in mid-way makes it void
            if self._trusts(await self.client.get(self._epoch_key)):
                return
            # Gone if the list is flushed while it is being copied: then the copy is not whole.
            marker = f"{self._epoch_key}:{uuid4()}"
            await self.client.set(marker, run_id, px=REBUILD_MILLISECONDS)
            denials = await read_living_denials(self._database, self._clock.now())
            for start in range(0, len(denials), WRITE_BATCH):
                await self._write(denials[start : start + WRITE_BATCH])
            await self._set_epoch([marker, self._epoch_key])
            self._seen_whole = run_id
            log.warning("deny_list_rebuilt", entries=len(denials))

    async def _write(self, denials: Sequence[Denial]) -> None:
        now = self._clock.now()
        arguments: list[int] = []
        for denial in denials:
            milliseconds = int((denial.expires_at - now).total_seconds() * 1000)
            arguments += [denial.version, max(milliseconds, 1)]
        await self._write_entries([self._key(d.kind, d.value) for d in denials], arguments)

    def _key(self, kind: str, value: str) -> str:
        return f"{self.prefix}:deny:{kind}:{value}"

    async def _learn_run_id(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        answer: bytes = await connection.read_response()
        for line in answer.split(b"\r\n"):
            if line.startswith(b"run_id:"):
                self._run_id = line.removeprefix(b"run_id:").decode()


@asynccontextmanager
async def open_stores(
    settings: AuthSettings, database: Database, clock: Clock
) -> AsyncGenerator[Stores, None]:
    """Open what this strategy needs for the life of the process."""
    if not settings.redis_url:
        yield Stores(
            await MemoryRevocation.from_database(database, clock), MemoryRateLimiter(clock)
        )
        return
    revocation = RedisRevocation(settings, database, clock)
    limiter = RedisRateLimiter(revocation.client, revocation.prefix, clock)
    try:
        yield Stores(revocation, limiter, {"redis": revocation.ping}, revocation.problems)
    finally:
        await revocation.client.aclose()
