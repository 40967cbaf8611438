# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A database that does not answer is a 503 and soon, and nobody is locked out."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update

from app.core.database import Database
from app.core.database_engine import CONNECT_TIMEOUT
from app.core.errors import ServiceUnavailable
from tests.auth.support.notes import client_of, notes, notes_database, run
from tests.auth.support.processes import Server

both_databases = pytest.mark.both_databases

# Statements that take longer than any test waits.
ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) "
    "SELECT count(*) FROM n",
}


@pytest.fixture
async def database(empty_database_url: str) -> AsyncGenerator[Database, None]:
    async with notes_database(empty_database_url) as database:
        yield database


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://service:password@127.0.0.1:1/service",
        "postgresql+asyncpg://service:password@/service?host=/nowhere",
        "sqlite+aiosqlite:////nowhere/service.db",
    ],
)
async def test_a_database_that_cannot_be_reached_is_a_503_at_once(url: str) -> None:
    database = Database(url)
    started = time.perf_counter()
    async with client_of(database) as client:
        response = await client.post("/notes/1")
    await database.dispose()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert time.perf_counter() - started < CONNECT_TIMEOUT


async def test_a_server_that_hangs_is_a_503_in_time(
    own_postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.database_engine.CONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr("app.core.database_engine.COMMAND_TIMEOUT", 0.2)
    database = Database(own_postgres_server.url.replace("postgresql:", "postgresql+asyncpg:"))
    async with asyncio.timeout(2):
        with pytest.raises(ServiceUnavailable):
            await run(database, "SELECT pg_sleep(60)")
    await database.dispose()
    own_postgres_server.pause()
    async with client_of(database) as client, asyncio.timeout(2):
        assert (await client.post("/notes/1")).status_code == 503
    own_postgres_server.resume()
    await database.dispose()


async def test_after_a_restart_of_the_server_no_request_meets_a_dead_connection(
    own_postgres_server: Server,
) -> None:
    database = Database(own_postgres_server.url.replace("postgresql:", "postgresql+asyncpg:"))
    await asyncio.gather(*(database.ping() for _ in range(3)))
    own_postgres_server.stop()
    own_postgres_server.start()
    await asyncio.sleep(0.1)  # the closed connections are noticed
    for _ in range(3):
        await database.ping()
    await database.dispose()


@both_databases
async def test_a_cancelled_task_stays_cancelled(database: Database) -> None:
    async def wait() -> None:
        async with database.transaction() as session:
            await session.execute(text(ENDLESS[session.get_bind().dialect.name]))

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.ping()


@both_databases
async def test_who_waits_too_long_for_a_connection_gets_a_503(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.database_engine.POOL_TIMEOUT", 0.05)
    database = Database(empty_database_url, pool_size=1)
    async with asyncio.timeout(2), database.read():
        with pytest.raises(ServiceUnavailable):
            await database.ping()
    await database.dispose()


async def test_sqlite_that_stays_locked_is_a_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.database_engine.SQLITE_BUSY_TIMEOUT", 0.05)
    # The writers of one process take turns; these two stand for two processes.
    database, other = (Database(f"sqlite+aiosqlite:///{tmp_path}/locked.db") for _ in range(2))
    async with other.transaction():
        with pytest.raises(ServiceUnavailable):
            async with database.transaction():
                pass
    await database.dispose()
    await other.dispose()


async def test_writers_to_sqlite_take_turns_in_the_order_in_which_they_came(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/turns.db")
    ended: list[int] = []

    async def write(number: int) -> None:
        async with database.transaction():
            await asyncio.sleep(0.01)
            ended.append(number)

    # Left to SQLite's lock, it is whoever happens to try next.
    for _ in range(3):
        await asyncio.gather(*(write(number) for number in range(8)))
    assert ended == [*range(8)] * 3
    await database.dispose()


async def test_a_writer_to_sqlite_whose_turn_does_not_come_gets_a_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.database_engine.SQLITE_BUSY_TIMEOUT", 0.05)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/turns.db")

    async def write() -> None:
        async with database.transaction():
            pass

    async with database.transaction():
        outcomes = await asyncio.gather(*(write() for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [ServiceUnavailable] * 3
    await write()  # nobody who gave up keeps the turn
    await database.dispose()


async def _count_up(url: str, tasks: int, times: int) -> None:
    database = Database(url, pool_size=tasks)

    async def count_up() -> None:
        for _ in range(times):
            async with database.transaction() as session:
                number = (await session.execute(select(notes.c.number))).scalar_one()
                await asyncio.sleep(0)
                await session.execute(update(notes).values(number=number + 1))

    await asyncio.gather(*(count_up() for _ in range(tasks)))
    await database.dispose()


def _process(url: str) -> None:
    asyncio.run(_count_up(url, tasks=5, times=5))


@pytest.mark.slow
async def test_sqlite_loses_no_write_and_locks_nobody_out_between_processes(
    database: Database, empty_database_url: str
) -> None:
    async with database.transaction() as session:
        await session.execute(insert(notes).values(id=1, number=0))
    processes = [
        multiprocessing.get_context("spawn").Process(target=_process, args=(empty_database_url,))
        for _ in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    async with database.read() as session:
        number = (await session.execute(select(notes.c.number))).scalar_one()
    assert ([process.exitcode for process in processes], number) == ([0, 0, 0, 0], 100)
