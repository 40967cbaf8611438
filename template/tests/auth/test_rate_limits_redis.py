# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Limits counted in Redis hold for all workers; while Redis is down, each counts for itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from app.core import rate_limits_redis
from app.core.rate_limits import Limit, RateLimiter
from app.core.rate_limits_redis import MemoryRateLimiter, RedisRateLimiter
from app.core.redis import REDIS_TIMEOUT, create_redis
from tests.auth.support.clock import MovableClock
from tests.auth.support.processes import Server

LIMIT = Limit("test", 3, 300)
# Seconds on top of a time-out, for a machine that has other things to do.
SLACK = 0.25


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands at the start of a window."""
    return MovableClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def client(own_redis_server: Server) -> AsyncIterator[Redis]:
    client = create_redis(own_redis_server.url)
    yield client
    await client.aclose()


@pytest.fixture
def redis_limiter(client: Redis, clock: MovableClock) -> RedisRateLimiter:
    return RedisRateLimiter(client, "test", clock)


@pytest.fixture(params=["redis", "memory"])
def limiter(request: pytest.FixtureRequest, clock: MovableClock) -> RateLimiter:
    if request.param == "memory":
        return MemoryRateLimiter(clock)
    found: RateLimiter = request.getfixturevalue("redis_limiter")
    return found


async def test_so_many_hits_are_allowed_and_then_none(limiter: RateLimiter) -> None:
    assert [await limiter.hit(LIMIT, "key") for _ in range(5)] == [None, None, None, 300, 300]


async def test_the_wait_is_true(limiter: RateLimiter, clock: MovableClock) -> None:
    for _ in range(3):
        await limiter.hit(LIMIT, "key")
    clock.advance(seconds=100.5)
    wait = await limiter.hit(LIMIT, "key")
    assert wait == 200
    clock.advance(seconds=wait - 1)
    assert await limiter.hit(LIMIT, "key") == 1
    clock.advance(seconds=1)
    assert await limiter.hit(LIMIT, "key") is None


async def test_around_the_end_of_a_window_twice_the_amount_meets_and_no_more(
    limiter: RateLimiter, clock: MovableClock
) -> None:
    clock.advance(seconds=299)
    before = [await limiter.hit(LIMIT, "key") for _ in range(5)]
    clock.advance(seconds=1)
    after = [await limiter.hit(LIMIT, "key") for _ in range(5)]
    assert [before.count(None), after.count(None)] == [3, 3]
    clock.advance(seconds=299)
    assert await limiter.hit(LIMIT, "key") == 1


async def test_keys_and_limits_are_counted_apart(limiter: RateLimiter) -> None:
    for _ in range(3):
        await limiter.hit(LIMIT, "key")
    assert await limiter.hit(LIMIT, "other key") is None
    assert await limiter.hit(Limit("other", 3, 300), "key") is None


async def test_a_hit_given_back_is_exactly_one(limiter: RateLimiter) -> None:
    for _ in range(3):
        await limiter.hit(LIMIT, "key")
    await limiter.give_back(LIMIT, "key")
    assert [await limiter.hit(LIMIT, "key") for _ in range(2)] == [None, 300]


async def test_no_more_is_given_back_than_was_counted(limiter: RateLimiter) -> None:
    await limiter.hit(LIMIT, "key")
    for _ in range(5):
        await limiter.give_back(LIMIT, "key")
    assert [await limiter.hit(LIMIT, "key") for _ in range(4)] == [None, None, None, 300]


async def test_a_hit_of_an_ended_window_gives_nothing_back_to_the_next(
    limiter: RateLimiter, clock: MovableClock
) -> None:
    counted_at = clock.now()
    await limiter.hit(LIMIT, "key")
    clock.advance(seconds=300)
    for _ in range(3):
        await limiter.hit(LIMIT, "key")
    await limiter.give_back(LIMIT, "key", at=counted_at)
    assert await limiter.hit(LIMIT, "key") == 300


async def test_workers_that_hit_at_once_are_allowed_no_more_together(
    own_redis_server: Server, clock: MovableClock
) -> None:
    clients = [create_redis(own_redis_server.url) for _ in range(2)]
    limiters = [RedisRateLimiter(client, "test", clock) for client in clients]
    hits = await asyncio.gather(*(limiters[n % 2].hit(LIMIT, "key") for n in range(20)))
    for client in clients:
        await client.aclose()
    assert hits.count(None) == 3


async def test_what_is_counted_at_once_travels_together_and_each_gets_its_own_count(
    redis_limiter: RedisRateLimiter, client: Redis
) -> None:
    await redis_limiter.hit(LIMIT, "given back")  # Redis knows the script now
    await client.config_resetstat()
    hits = [redis_limiter.hit(LIMIT, f"key {n % 10}") for n in range(40)]
    given = redis_limiter.give_back(LIMIT, "given back")
    *counted, _ = await asyncio.gather(*hits, given)
    assert counted == [None] * 30 + [300] * 10
    assert await redis_limiter.hit(LIMIT, "given back") is None
    commands = await client.info("commandstats")
    assert commands["cmdstat_evalsha"]["calls"] == 2


async def test_every_key_in_redis_has_an_end_a_prefix_and_no_name(
    redis_limiter: RedisRateLimiter, client: Redis
) -> None:
    await redis_limiter.hit(LIMIT, "someone@example.com")
    await redis_limiter.give_back(LIMIT, "never counted")
    (key,) = await client.keys("*")
    assert str(key).startswith("b'test:limit:")
    assert "someone" not in str(key)
    assert 0 < await client.pttl(key) <= 300_000


async def test_services_that_share_a_redis_do_not_share_counts(
    client: Redis, clock: MovableClock
) -> None:
    one, other = RedisRateLimiter(client, "one", clock), RedisRateLimiter(client, "two", clock)
    for _ in range(3):
        await one.hit(LIMIT, "key")
    assert await one.hit(LIMIT, "key") == 300
    assert await other.hit(LIMIT, "key") is None


@pytest.mark.parametrize("fault", ["hangs", "is gone"])
async def test_while_redis_does_not_answer_each_worker_counts_for_itself_without_waiting(
    redis_limiter: RedisRateLimiter, own_redis_server: Server, fault: str
) -> None:
    await redis_limiter.hit(LIMIT, "key")
    if fault == "hangs":
        own_redis_server.pause()
    else:
        own_redis_server.kill()
    started = time.perf_counter()
    hits = [await redis_limiter.hit(LIMIT, "key") for _ in range(5)]
    seconds = time.perf_counter() - started
    assert hits == [None, None, None, 300, 300]
    assert seconds < REDIS_TIMEOUT + SLACK


@pytest.mark.parametrize("fault", ["hung", "was gone"])
async def test_counts_are_shared_again_when_redis_is_back(
    redis_limiter: RedisRateLimiter,
    client: Redis,
    own_redis_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr(rate_limits_redis, "RETRY_REDIS_AFTER", 0.05)
    if fault == "hung":
        own_redis_server.pause()
    else:
        own_redis_server.kill()
    await redis_limiter.hit(LIMIT, "key")
    if fault == "hung":
        own_redis_server.resume()
    else:
        own_redis_server.start()
    await asyncio.sleep(0.1)
    await client.flushall()
    await redis_limiter.hit(LIMIT, "key")
    (key,) = await client.keys("*")
    assert await client.get(key) == b"1"


async def test_a_hit_given_back_while_redis_is_down_is_no_error(
    redis_limiter: RedisRateLimiter, own_redis_server: Server
) -> None:
    own_redis_server.kill()
    await redis_limiter.give_back(LIMIT, "key")
    assert await redis_limiter.hit(LIMIT, "key") is None
    # Redis is not asked again this soon: the worker's own count is given back.
    await redis_limiter.give_back(LIMIT, "key")
    assert [await redis_limiter.hit(LIMIT, "key") for _ in range(LIMIT.amount)][-1] is None
