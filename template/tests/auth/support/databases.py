# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A database for each app of the tests, copied from one that Alembic has migrated once."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
from sqlalchemy.engine import make_url

SQLITE_DRIVER = "sqlite+aiosqlite"
POSTGRES_DRIVER = "postgresql+asyncpg"


class Databases(Protocol):
    """Makes databases of one kind; cheap, so that a test can have one of its own."""

    async def create(self, template: str | None = None) -> str:
        """Make a database and return its address, in SQLAlchemy's form.

        Args:
            template: the address of the database to copy, which nobody may be using; None: empty.
        """
        ...


class SqliteDatabases:
    """Databases that are files in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def create(self, template: str | None = None) -> str:
        """Make a file, empty or copied, and return its address."""
        path = self._directory / f"{secrets.token_hex(8)}.db"
        if template is not None:
            shutil.copyfile(str(make_url(template).database), path)
        return f"{SQLITE_DRIVER}:///{path}"


class PostgresDatabases:
    """Databases of one PostgreSQL server, whose names say to which process they belong."""

    def __init__(
        self, server_url: str, administrator: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        self._server_url = server_url
        self._administrator = administrator
        self._created: list[str] = []

    async def create(self, template: str | None = None) -> str:
        """Make a database, empty or copied, and return its address."""
        name = f"gatehouse_{os.getpid()}_{secrets.token_hex(4)}"
        source = make_url(template).database if template else "template0"
        # FILE_COPY: twice as fast as the default for a small database on a server without fsync.
        await self._administrator.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY'
        )
        self._created.append(name)
        url = make_url(self._server_url).set(drivername=POSTGRES_DRIVER, database=name)
        return url.render_as_string(hide_password=False)

    async def drop_all(self) -> None:
        """Drop what was made here, whoever is still connected."""
        for name in self._created:
            await self._administrator.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@asynccontextmanager
async def postgres_databases(server_url: str, *, drop: bool) -> AsyncIterator[PostgresDatabases]:
    """Connect to a PostgreSQL server as the one who makes databases on it.

    Args:
        server_url: `postgresql://…` of any of its databases.
        drop: whether to clean up at the end, because the server lives longer than the tests.
    """
    administrator = await asyncpg.connect(server_url)
    databases = PostgresDatabases(server_url, administrator)
    try:
        yield databases
        if drop:
            await databases.drop_all()
    finally:
        await administrator.close()
