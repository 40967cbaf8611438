# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Engine and sessions: one request, one transaction, committed at the edge."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import Depends
from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase
from starlette.requests import HTTPConnection

from app.core.database_engine import (
    BEGIN_OPTION,
    WriterTurns,
    autocommitting,
    connecting,
    create_engine,
)

# Names that do not depend on the database, so that a migration can drop what it did not create
# (Alembic's advice).
NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all tables, the template's and yours."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: takes only aware datetimes and returns aware UTC ones, on SQLite too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC.

        Raises:
            ValueError: The datetime is naive: nobody can say which moment it means.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime: use the injected clock's now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment, aware: SQLite forgets the zone, and only UTC was stored."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """One engine with its pool.

    Args:
        url: SQLAlchemy URL of PostgreSQL (asyncpg) or SQLite (aiosqlite).
        pool_size: Most connections at once; a request that waits longer than 3 s for one gets 503.
    """

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_engine(url, pool_size)
        # SQLite: a transaction that first reads and then writes cannot wait for the lock, so take
        # it at once.
        self._writing = self.engine.execution_options(**{BEGIN_OPTION: "BEGIN IMMEDIATE"})
        self._turns = WriterTurns(self.engine)
        # None on SQLite, which has no round trips to save.
        self._alone = autocommitting(self.engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession, None]:
        """Open a transaction: commits on exit, rolls back on any exception.

        Raises:
            ServiceUnavailable: The database does not answer, or not in time.
        """
        async with self._turns.one(), self._session(self._writing) as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def statement(self, *, writes: bool = False) -> AsyncGenerator[AsyncSession, None]:
        """Open a session for one statement that needs no other beside it.

        On PostgreSQL it is a transaction by itself, and so one round trip where `read` and
        `transaction` take three.

        Args:
            writes: What the statement writes is committed on exit.

        Raises:
            ServiceUnavailable: The database does not answer, or not in time.
        """
        if self._alone is not None:
            alone = self._session(self._alone)
        else:
            alone = self.transaction() if writes else self.read()
        async with alone as session:
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession, None]:
        """Open a session for reading; whatever it writes is rolled back.

        Raises:
            ServiceUnavailable: The database does not answer, or not in time.
        """
        async with self._session(self.engine) as session:
            yield session

    async def ping(self) -> None:
        """Ask the database one question (readiness)."""
        async with self.read() as session:
            await session.execute(select(1))

    async def dispose(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine) -> AsyncGenerator[AsyncSession, None]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            with connecting():
                await session.connection()
            yield session


async def exclusive(session: AsyncSession, name: str) -> None:
    """Wait until this transaction is the only one inside `name`, until it ends.

    On SQLite a writing transaction is alone already.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
        await session.execute(select(func.pg_advisory_xact_lock(number)))


async def get_session(connection: HTTPConnection) -> AsyncGenerator[AsyncSession, None]:
    """Give a route its transaction."""
    database: Database = connection.app.state.database
    async with database.transaction() as session:
        yield session


# scope="function": committed before the response is sent, so that a client never hears of what was
# not stored.
DatabaseSession = Annotated[AsyncSession, Depends(get_session, scope="function")]
