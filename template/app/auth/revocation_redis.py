# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The strategy `redis`: a deny-list that every worker shares, and a copy of it in each.

Every request asks: the worker's own copy while it holds a lease (`REVOCATION_CHECK=replica`), else
Redis, with one MGET for many requests. Both answer alike: what was revoked before a 204
is refused on every worker. Redis holds a copy of the database, and says so: the epoch names the
server process on which it was made, so a flushed, restarted, restored or failed-over Redis is
noticed, and the list is made again from the database before anything is trusted.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal
from uuid import uuid4

import structlog
from prometheus_client import Gauge

from app.auth.deniable import Deniable
from app.auth.revocation import Denial, Stores, read_living_denials
from app.auth.revocation_ledger import RedisLedger
from app.auth.revocation_member import Member, World
from app.auth.revocation_memory import MemoryRevocation
from app.auth.revocation_terms import EpochLost, LedgerUnavailable, Terms
from app.auth.settings import BaseAuthSettings
from app.core.clock import Clock, steady_seconds
from app.core.database import Database
from app.core.errors import ServiceUnavailable
from app.core.rate_limits_redis import MemoryRateLimiter, RedisRateLimiter
from app.core.redis import (
    REDIS_AWAY,
    RedisUrl,
    create_redis,
    drop_idle_connections,
    redis_url_findings,
)

TERMS = Terms()
REPORT_EVERY = 1.0  # seconds

_LEASE = Gauge(
    "auth_deny_list_lease",
    "1 while the worker answers from its own copy of the deny-list, 0 while it asks Redis.",
    multiprocess_mode="livesum",
)
_LAG = Gauge(
    "auth_deny_list_lag_seconds",
    "How long ago the worker's copy of the deny-list was last known to be complete.",
    multiprocess_mode="livemax",
)
# Seconds that the loop that keeps the lease waits for Redis, when it is not waiting for news.
FOLLOWER_TIMEOUT = 1.0

log = structlog.get_logger()


class StoreSettings(BaseAuthSettings):
    """The settings of this strategy."""

    # redis:// or rediss://; empty only in local use, where one process keeps the list itself.
    redis_url: RedisUrl = ""
    # Services that share a Redis must not share keys. Empty: the issuer.
    redis_key_prefix: str = ""
    # Where a request looks whether its token was revoked; the answers are alike. strict: in Redis,
    # one round trip for all of a moment; replica: in the worker's own copy, under a lease of 3 s.
    revocation_check: Literal["replica", "strict"] = "strict"

    def findings(self) -> list[str]:
        """Return every reason not to start, one sentence each."""
        private = self.stores_network_is_private
        of_redis = redis_url_findings(self.redis_url, private_network=private)
        return [*super().findings(), *(of_redis if self.production else ())]


class RedisRevocation:
    """A deny-list in Redis, and in each worker a copy of it that is trusted under a lease.

    Args:
        settings: address, key prefix, how to check, and what to do when Redis cannot be read.
        database: the truth from which the list is made again.
        clock: the service's clock.
        terms: the durations of the lease protocol.
    """

    delivers = True

    def __init__(
        self,
        settings: StoreSettings,
        database: Database,
        clock: Clock,
        terms: Terms | None = None,
    ) -> None:
        terms = terms or TERMS
        self.client = create_redis(settings.redis_url)
        # No request waits for this one, which holds a question open until there is news.
        self._following = create_redis(settings.redis_url, terms.renew_every + FOLLOWER_TIMEOUT)
        self.prefix = settings.redis_key_prefix or settings.issuer
        self._database = database
        self._clock = clock
        self._fail_open = settings.revocation_fail_open
        self._keeps_copy = settings.revocation_check == "replica"
        self.member = Member(
            uuid4().hex,
            RedisLedger(self.client, self.prefix, clock),
            RedisLedger(self._following, self.prefix, clock),
            World(steady_seconds, clock.now, asyncio.sleep, self._read_denials, asyncio.Lock()),
            terms,
        )

    async def is_denied(self, claims: Deniable) -> bool:
        """Tell whether token, session or version of the account is on the list."""
        try:
            return await self.member.is_denied(claims)
        except (LedgerUnavailable, EpochLost, ServiceUnavailable) as error:
            with suppress(*REDIS_AWAY):
                # A restarted server closed them all: else each would fail a request of its own.
                await drop_idle_connections(self.client)
            if self._fail_open:
                return False
            raise ServiceUnavailable(retry_after=1) from error

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Put denials on the list; they hold on every worker when this returns."""
        try:
            await self.member.announce(denials)
        except (LedgerUnavailable, EpochLost) as error:
            raise ServiceUnavailable(retry_after=1) from error

    async def follow(self) -> None:
        """Keep this worker's copy and lease, until cancelled; the lease is given back then."""
        reporting = asyncio.create_task(self._report())
        try:
            while True:
                try:
                    await (self.member.follow() if self._keeps_copy else self.member.settle())
                except Exception as error:  # without a lease requests ask Redis; so try again
                    log.warning("deny_list_copy_failed", error=type(error).__name__)
                    await asyncio.sleep(1)
        finally:
            reporting.cancel()
            with suppress(LedgerUnavailable, EpochLost):
                await self.member.leave()

    async def ping(self) -> None:
        """Raise when Redis does not answer."""
        await self.client.ping()

    async def problems(self) -> list[str]:
        """Return what is wrong with the server's own configuration, one sentence each."""
        try:
            policy = (await self.client.info("memory")).get("maxmemory_policy")
        except REDIS_AWAY as error:
            return [f"REDIS_URL: Redis does not answer ({type(error).__name__})."]
        if policy != "noeviction":
            return [f"Redis must have maxmemory-policy noeviction, not {policy}: it drops denials."]
        return []

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()
        await self._following.aclose()

    async def _report(self) -> None:
        while self._keeps_copy:
            now, replica = steady_seconds(), self.member.replica
            _LEASE.set(replica.may_answer(now))
            _LAG.set(replica.age(now))
            await asyncio.sleep(REPORT_EVERY)

    async def _read_denials(self) -> AsyncIterator[Sequence[Denial]]:
        entries = 0
        async for denials in read_living_denials(self._database, self._clock.now()):
            entries += len(denials)
            yield denials
        log.warning("deny_list_rebuilt", entries=entries)


@asynccontextmanager
async def open_stores(
    settings: StoreSettings, database: Database, clock: Clock
) -> AsyncGenerator[Stores, None]:
    """Open what this strategy needs for the life of the process."""
    if not settings.redis_url:
        yield Stores(
            await MemoryRevocation.from_database(database, clock), MemoryRateLimiter(clock)
        )
        return
    revocation = RedisRevocation(settings, database, clock)
    limiter = RedisRateLimiter(revocation.client, revocation.prefix, clock)
    readiness = {"redis": revocation.ping}
    of_keys = revocation.is_denied if settings.revocation_check == "replica" else None
    try:
        yield Stores(
            revocation, limiter, readiness, revocation.problems, revocation.follow, of_keys
        )
    finally:
        await revocation.close()
