# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How Alembic reaches the database, and which tables belong to which branch."""

import asyncio
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlalchemy import Connection

# Every module with tables is imported before they are compared with the database.
import app.auth.api_key_models
import app.auth.identity_models
import app.auth.models
import app.models
from app.core.database import Base, UTCDateTime
from app.core.database_engine import create_engine
from app.core.rate_limits import rate_limit_counts
from app.settings import Settings

# Tables that come with the template: its migrations make them, yours must not.
_AUTH_MODULES = {
    module.__name__
    for module in (app.auth.models, app.auth.api_key_models, app.auth.identity_models)
}
AUTH_TABLES = {rate_limit_counts.name} | {
    mapper.class_.__tablename__
    for mapper in Base.registry.mappers
    if mapper.class_.__module__ in _AUTH_MODULES
}


def _is_yours(
    item: object, name: str | None, kind: str, reflected: bool, compare_to: object
) -> bool:
    """Keep the auth tables, and what hangs on them, out of the autogeneration of your branch."""
    table = item if isinstance(item, sa.Table) else getattr(item, "table", None)
    return not (isinstance(table, sa.Table) and table.name in AUTH_TABLES)


def _render_type(kind: str, item: object, _: Any) -> str | Literal[False]:
    """Write a moment as the database knows it, so that a migration needs nothing of the app."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UTCDateTime) else False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=_is_yours,
        render_item=_render_type,
        compare_type=True,
        transactional_ddl=True,
        # SQLite alters a table by copying it.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_migrate() -> None:
    url = context.config.attributes.get("database_url") or Settings().database_url
    # The service's own engine: on SQLite it begins explicitly, so that a migration is whole or not.
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Offline migrations are not supported: the two branches need the database.")
asyncio.run(_connect_and_migrate())
