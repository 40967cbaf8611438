# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How the engine is built, and which of its errors mean "try again later"."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.errors import AppError, ServiceUnavailable, UnprocessableContent

# Seconds. A request must fail while its client still waits, and must not hold a connection for
# longer.
CONNECT_TIMEOUT = 3
COMMAND_TIMEOUT = 10
POOL_TIMEOUT = 3
SQLITE_BUSY_TIMEOUT = 5

# Execution option: the statement that opens a SQLite transaction.
BEGIN_OPTION = "sqlite_begin"

# SQLSTATE classes: connection lost, rolled back by the server (deadlock, serialization), out of
# resources, shut down or cancelled (PostgreSQL manual, appendix A).
_UNAVAILABLE_SQLSTATES = ("08", "40", "53", "57")
# PostgreSQL stores no NUL in a text; only a client can have sent it.
_UNSTORABLE_TEXT_SQLSTATE = "22021"


def create_engine(url: str, pool_size: int) -> AsyncEngine:
    """Return an engine with finite waits everywhere."""
    sqlite = make_url(url).get_backend_name() == "sqlite"
    connect_args: dict[str, Any] = (
        {"timeout": SQLITE_BUSY_TIMEOUT, "isolation_level": None}
        if sqlite
        else {"timeout": CONNECT_TIMEOUT, "command_timeout": COMMAND_TIMEOUT}
    )
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        # Parameters are passwords' hashes, addresses, tokens' hashes: not for logs.
        hide_parameters=True,
        connect_args=connect_args,
    )
    event.listen(engine.sync_engine, "handle_error", _on_error)
    if sqlite:
        event.listen(engine.sync_engine, "connect", _on_sqlite_connect)
        event.listen(engine.sync_engine, "begin", _on_sqlite_begin)
    else:
        event.listen(engine.sync_engine, "checkout", _on_checkout)
    return engine


def autocommitting(engine: AsyncEngine) -> AsyncEngine | None:
    """Return the same engine and pool without BEGIN and COMMIT; None on SQLite."""
    if engine.dialect.name == "sqlite":
        return None
    return engine.execution_options(isolation_level="AUTOCOMMIT")


class WriterTurns:
    """Lets the writers of a process to SQLite one at a time, in the order in which they came.

    SQLite itself wakes nobody who waits for its lock, it lets them try again after ever longer
    sleeps, so that the last of a few waits for seconds. PostgreSQL needs no turns.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._lock = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[None, None]:
        """Wait for a turn, and keep it.

        Raises:
            ServiceUnavailable: it does not come in time.
        """
        if self._lock is None:
            yield
            return
        with connecting():
            async with asyncio.timeout(SQLITE_BUSY_TIMEOUT):
                await self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()


@contextmanager
def connecting() -> Generator[None, None, None]:
    """Turn whatever keeps us from getting a connection into ServiceUnavailable."""
    try:
        yield
    except (OSError, PoolTimeout, DBAPIError) as error:
        raise ServiceUnavailable from error


def _on_error(context: ExceptionContext) -> AppError | None:
    """Return the error to raise instead, for SQLAlchemy's handle_error event."""
    error = context.original_exception
    # A cancelled task is a "disconnect" to SQLAlchemy; it must stay cancelled.
    if not isinstance(error, Exception):
        return None
    lost = context.is_disconnect or isinstance(error, OSError)
    # After a lost answer or a failed COMMIT nobody knows whether a transaction is still open on the
    # connection: used again, it would lock others out, or commit what was reported as failed.
    if not context.is_disconnect and (lost or context.statement is None):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
    sqlstate = str(getattr(error, "sqlstate", None) or "")
    if sqlstate == _UNSTORABLE_TEXT_SQLSTATE:
        return UnprocessableContent()
    return ServiceUnavailable() if lost or sqlstate.startswith(_UNAVAILABLE_SQLSTATES) else None


def _on_checkout(connection: DBAPIConnection, record: object, proxy: object) -> None:
    """Throw the pool away when the server closed a connection; a ping would cost round trips."""
    driver: Any = connection.driver_connection
    if driver.is_closed():
        raise InvalidatePoolError


def _on_sqlite_connect(connection: DBAPIConnection, record: object) -> None:
    cursor = connection.cursor()
    # WAL: readers and the writer do not wait for each other. NORMAL: a power cut may undo the last
    # commits, on a laptop only. foreign_keys is off by default in SQLite.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    """Begin ourselves: isolation_level=None stops the driver from doing it late and deferred."""
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN_OPTION, "BEGIN"))
