# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One request, one transaction, committed before the answer; times are aware."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, get_args

import httpx2
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from app.core.database import Database, DatabaseSession, exclusive, get_session
from app.core.errors import ServiceUnavailable
from app.core.problems import install_problem_handlers
from tests.auth.support.notes import client_of, notes, notes_database, run

both_databases = pytest.mark.both_databases


@pytest.fixture
async def database(empty_database_url: str) -> AsyncGenerator[Database, None]:
    async with notes_database(empty_database_url) as database:
        yield database


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
async def test_a_statement_that_stands_alone_is_committed(empty_database_url: str) -> None:
    async with notes_database(empty_database_url, pool_size=1) as database:
        async with database.statement(writes=True) as session:
            await session.execute(insert(notes).values(id=1))
        # The one connection of the pool knows transactions again: this one is undone.
        async with client_of(database) as client:
            assert (await client.post("/notes/-2")).status_code == 409
        async with database.statement() as session:
            assert list(await session.scalars(select(notes.c.id))) == [1]


@pytest.mark.parametrize("database_backend", ["postgres"], indirect=True)
async def test_a_statement_that_stands_alone_is_a_transaction_by_itself(
    database: Database,
) -> None:
    number = text("SELECT pg_current_xact_id()::text")
    async with database.statement() as session:
        assert await session.scalar(number) != await session.scalar(number)
    async with database.read() as session:
        assert await session.scalar(number) == await session.scalar(number)


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


async def test_sqlite_holds_foreign_keys(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/keys.db")
    await run(database, "CREATE TABLE a (id INTEGER PRIMARY KEY)")
    await run(database, "CREATE TABLE b (a INTEGER REFERENCES a)")
    with pytest.raises(IntegrityError):
        await run(database, "INSERT INTO b VALUES (1)")
    await database.dispose()
