# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One request, one transaction; times are aware; a database that does not answer is a 503."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, get_args

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from app.core.database import Database, DatabaseSession, UTCDateTime, exclusive, get_session
from app.core.database_engine import CONNECT_TIMEOUT
from app.core.errors import Conflict, ServiceUnavailable
from app.core.logging import configure_logging
from app.core.problems import install_problem_handlers
from tests.auth.support.processes import Server

both_databases = pytest.mark.both_databases

# Statements that take longer than any test waits.
ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) "
    "SELECT count(*) FROM n",
}

metadata = MetaData()
notes = Table(
    "note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, default=0),
    Column("at", UTCDateTime),
)
router = APIRouter()


@router.post("/notes/{number}")
async def write(number: int, session: DatabaseSession) -> None:
    """Write, and fail afterwards when the number is negative."""
    await session.execute(insert(notes).values(id=abs(number)))
    if number < 0:
        raise Conflict


@pytest.fixture
async def database(empty_database_url: str) -> AsyncGenerator[Database, None]:
    database = Database(empty_database_url, pool_size=5)
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.dispose()


def client_of(database: Database) -> httpx2.AsyncClient:
    configure_logging("INFO")
    app = FastAPI()
    app.state.database = database
    app.include_router(router)
    install_problem_handlers(app)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="https://testserver")


async def stored(database: Database) -> list[int]:
    async with database.read() as session:
        return list(await session.scalars(select(notes.c.id)))


@both_databases
async def test_what_a_request_wrote_is_committed_with_its_answer(database: Database) -> None:
    async with client_of(database) as client:
        assert (await client.post("/notes/1")).status_code == 200
    assert await stored(database) == [1]


@both_databases
async def test_what_a_failed_request_wrote_is_undone(database: Database) -> None:
    async with client_of(database) as client:
        assert (await client.post("/notes/-1")).status_code == 409
    assert await stored(database) == []


async def test_a_failed_commit_is_not_answered_with_success(database: Database) -> None:
    async def session_that_fails() -> AsyncGenerator[None, None]:
        yield
        raise ServiceUnavailable

    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/")
    async def answer(
        session: Annotated[None, Depends(session_that_fails, scope="function")],
    ) -> str:
        return "stored"

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://testserver") as client:
        assert (await client.get("/")).status_code == 503
    (depends,) = get_args(DatabaseSession)[1:]
    assert (depends.dependency, depends.scope) == (get_session, "function")


@both_databases
async def test_reading_writes_nothing(database: Database) -> None:
    async with database.read() as session:
        await session.execute(insert(notes).values(id=1))
    assert await stored(database) == []


@both_databases
async def test_a_moment_comes_back_aware_and_in_utc(database: Database) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone(timedelta(hours=5)))
    async with database.transaction() as session:
        await session.execute(insert(notes).values(id=1, at=moment))
    async with database.read() as session:
        found = (await session.execute(select(notes.c.at))).scalar_one()
    assert found == moment
    assert found.tzinfo is UTC


@both_databases
async def test_a_naive_time_is_refused(database: Database) -> None:
    naive = datetime(2026, 1, 2)  # noqa: DTZ001, the mistake that is refused
    with pytest.raises(StatementError, match="naive datetime"):
        async with database.transaction() as session:
            await session.execute(insert(notes).values(id=1, at=naive))


@both_databases
async def test_inside_a_name_transactions_are_one_at_a_time(database: Database) -> None:
    inside = most = 0

    async def enter() -> None:
        nonlocal inside, most
        async with database.transaction() as session:
            await exclusive(session, "test")
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(4)))
    assert most == 1


async def run(database: Database, statement: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement))


@both_databases
async def test_mistakes_are_errors_of_their_own_and_no_unavailability(database: Database) -> None:
    with pytest.raises(DBAPIError, match="nothing"):
        await run(database, "SELECT * FROM nothing")
    await run(database, "INSERT INTO note (id) VALUES (1)")
    with pytest.raises(IntegrityError):
        await run(database, "INSERT INTO note (id) VALUES (1)")


@both_databases
async def test_errors_do_not_show_what_was_to_be_stored(database: Database) -> None:
    async def store(name: str) -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO nothing VALUES (:name)"), {"name": name})

    with pytest.raises(DBAPIError) as failed:
        await store("canary-4711")
    assert "canary-4711" not in str(failed.value)


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
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/locked.db")
    async with database.transaction():
        with pytest.raises(ServiceUnavailable):
            async with database.transaction():
                pass
    await database.dispose()


async def test_sqlite_holds_foreign_keys(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/keys.db")
    await run(database, "CREATE TABLE a (id INTEGER PRIMARY KEY)")
    await run(database, "CREATE TABLE b (a INTEGER REFERENCES a)")
    with pytest.raises(IntegrityError):
        await run(database, "INSERT INTO b VALUES (1)")
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
