# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Limits counted in a table hold for all workers together (semantics 9)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from app.core.database import Database
from app.core.rate_limits import Limit, rate_limit_counts
from app.core.rate_limits_database import DatabaseRateLimiter
from tests.auth.support.clock import MovableClock

pytestmark = pytest.mark.both_databases

LIMIT = Limit("test", 3, 300)


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands at the start of a window."""
    return MovableClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[Database]]:
    """Two workers' connections to one database."""
    databases = [Database(database_url), Database(database_url)]
    yield databases
    for database in databases:
        await database.dispose()


@pytest.fixture
def limiter(databases: list[Database], clock: MovableClock) -> DatabaseRateLimiter:
    return DatabaseRateLimiter(databases[0], clock)


async def count_rows(database: Database) -> int:
    async with database.read() as session:
        statement = select(func.count()).select_from(rate_limit_counts)
        return (await session.execute(statement)).scalar_one()


async def test_so_many_hits_are_allowed_and_then_none(limiter: DatabaseRateLimiter) -> None:
    assert [await limiter.hit(LIMIT, "key") for _ in range(5)] == [None, None, None, 300, 300]


async def test_the_wait_is_true(limiter: DatabaseRateLimiter, clock: MovableClock) -> None:
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
    limiter: DatabaseRateLimiter, clock: MovableClock
) -> None:
    clock.advance(seconds=299)
    before = [await limiter.hit(LIMIT, "key") for _ in range(5)]
    clock.advance(seconds=1)
    after = [await limiter.hit(LIMIT, "key") for _ in range(5)]
    assert [before.count(None), after.count(None)] == [3, 3]
    clock.advance(seconds=299)
    assert await limiter.hit(LIMIT, "key") == 1


async def test_keys_and_limits_are_counted_apart(limiter: DatabaseRateLimiter) -> None:
    for _ in range(3):
        await limiter.hit(LIMIT, "key")
    assert await limiter.hit(LIMIT, "other key") is None
    assert await limiter.hit(Limit("other", 3, 300), "key") is None


async def test_workers_that_hit_at_once_are_allowed_no_more_together(
    databases: list[Database], clock: MovableClock
) -> None:
    limiters = [DatabaseRateLimiter(database, clock) for database in databases]
    hits = await asyncio.gather(*(limiters[n % 2].hit(LIMIT, "key") for n in range(20)))
    assert hits.count(None) == 3


async def test_a_hit_given_back_is_exactly_one(limiter: DatabaseRateLimiter) -> None:
    for _ in range(3):
        await limiter.hit(LIMIT, "key")
    await limiter.give_back(LIMIT, "key")
    assert [await limiter.hit(LIMIT, "key") for _ in range(2)] == [None, 300]


async def test_no_more_is_given_back_than_was_counted(limiter: DatabaseRateLimiter) -> None:
    await limiter.hit(LIMIT, "key")
    for _ in range(5):
        await limiter.give_back(LIMIT, "key")
    assert [await limiter.hit(LIMIT, "key") for _ in range(4)] == [None, None, None, 300]


async def test_a_hit_of_an_ended_window_gives_nothing_back_to_the_next(
    limiter: DatabaseRateLimiter, clock: MovableClock
) -> None:
    counted_at = clock.now()
    await limiter.hit(LIMIT, "key")
    clock.advance(seconds=300)
    for _ in range(3):
        await limiter.hit(LIMIT, "key")
    await limiter.give_back(LIMIT, "key", at=counted_at)
    assert await limiter.hit(LIMIT, "key") == 300


async def test_ended_windows_are_cleared_away_and_open_ones_stay(
    limiter: DatabaseRateLimiter, databases: list[Database], clock: MovableClock
) -> None:
    for number in range(5):
        await limiter.hit(LIMIT, f"key {number}")
    clock.advance(seconds=300)
    await limiter.hit(LIMIT, "key")
    assert await count_rows(databases[0]) == 6
    clock.advance(minutes=2)
    await limiter.hit(LIMIT, "key")
    assert await count_rows(databases[0]) == 1


async def test_the_table_holds_neither_addresses_nor_names(
    limiter: DatabaseRateLimiter, databases: list[Database]
) -> None:
    await limiter.hit(LIMIT, "someone@example.com")
    async with databases[0].read() as session:
        rows = (await session.execute(select(rate_limit_counts))).all()
    assert "someone" not in str(rows)
