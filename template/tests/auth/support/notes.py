# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One table and one route, to see what becomes of transactions."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
from fastapi import APIRouter, FastAPI
from sqlalchemy import Column, Integer, MetaData, Table, insert, text

from app.core.database import Database, DatabaseSession, UTCDateTime
from app.core.errors import Conflict
from app.core.logging import configure_logging
from app.core.problems import install_problem_handlers

_metadata = MetaData()
notes = Table(
    "note",
    _metadata,
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


@asynccontextmanager
async def notes_database(url: str, pool_size: int = 5) -> AsyncGenerator[Database, None]:
    """Give a database that has the table."""
    database = Database(url, pool_size)
    async with database.engine.begin() as connection:
        await connection.run_sync(_metadata.create_all)
    yield database
    await database.dispose()


def client_of(database: Database) -> httpx2.AsyncClient:
    """Give a client to an app whose one route writes to this database."""
    configure_logging("INFO")
    app = FastAPI()
    app.state.database = database
    app.include_router(router)
    install_problem_handlers(app)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="https://testserver")


async def run(database: Database, statement: str) -> None:
    """Run one statement in a transaction of its own."""
    async with database.transaction() as session:
        await session.execute(text(statement))
