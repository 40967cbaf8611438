# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Alembic on the databases of the tests."""

from pathlib import Path

import anyio.to_thread
from alembic import command
from alembic.config import Config

ROOT = Path(__file__).parents[3]


def config_for(database_url: str) -> Config:
    """Return Alembic's configuration of this service, for another database."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["database_url"] = database_url
    return config


async def upgrade(database_url: str, revision: str = "heads") -> None:
    """Migrate up; in a thread, because `env.py` runs an event loop of its own."""
    await anyio.to_thread.run_sync(command.upgrade, config_for(database_url), revision)


async def downgrade(database_url: str, revision: str) -> None:
    """Migrate down, for example to `auth@base`."""
    await anyio.to_thread.run_sync(command.downgrade, config_for(database_url), revision)
