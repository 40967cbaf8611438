# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app check`: everything that would stop or weaken the service, at once."""

import asyncio

import typer
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import ValidationError
from sqlalchemy import Connection

from app.auth.application import MISSING_MIGRATIONS
from app.auth.wiring import open_auth
from app.commands.database import alembic_config
from app.commands.running import fail, setting_errors
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import ServiceUnavailable
from app.settings import Settings


def check() -> None:
    """Print every finding; exit with 1 when there is one."""
    try:
        settings = Settings()
    except ValidationError as error:
        fail(*setting_errors(error))
    findings = [*settings.findings(), *asyncio.run(_ask_servers(settings))]
    if findings:
        fail(*findings)
    typer.echo("No findings.")


async def _ask_servers(settings: Settings) -> list[str]:
    database = Database(settings.database_url, pool_size=1)
    try:
        return await _ask_database(database, settings) or await _ask_stores(database, settings)
    finally:
        await database.dispose()


async def _ask_database(database: Database, settings: Settings) -> list[str]:
    try:
        await database.ping()
    except ServiceUnavailable:
        return ["DATABASE_URL: the database does not answer."]
    script = ScriptDirectory.from_config(alembic_config(settings.database_url))
    async with database.engine.connect() as connection:
        current = await connection.run_sync(_current_heads)
    applied = {revision.revision for revision in script.get_all_current(current)}
    if not applied.issuperset(script.get_heads()):
        return [MISSING_MIGRATIONS]
    return []


async def _ask_stores(database: Database, settings: Settings) -> list[str]:
    if not settings.master_secrets:
        return []  # a finding already
    try:
        async with open_auth(settings, database, SystemClock()) as auth:
            return await auth.stores.problems() if auth.stores.problems else []
    except Exception as error:  # one finding beside the others, not a traceback instead of them
        return [f"The stores cannot be opened ({type(error).__name__})."]


def _current_heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()
