# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app db`: migrations, clean-up, and what follows a restored backup."""

from pathlib import Path
from typing import Annotated

import typer
from alembic import command
from alembic.config import Config

from app.auth import administration, api_key_administration, cleanup
from app.auth.runtime import Auth
from app.commands.running import load_settings, run_with_auth

ALEMBIC_INI = Path(__file__).parents[2] / "alembic.ini"

app = typer.Typer(help="Migrate and care for the database.", no_args_is_help=True)


def alembic_config(database_url: str) -> Config:
    """Return Alembic's configuration for a database."""
    config = Config(ALEMBIC_INI)
    config.attributes["database_url"] = database_url
    return config


@app.command()
def upgrade(revision: str = "heads") -> None:
    """Apply all migrations of both branches."""
    command.upgrade(alembic_config(load_settings().database_url), revision)
    typer.echo("The database is up to date.")


@app.command()
def downgrade(revision: Annotated[str, typer.Argument(help="For example: app@-1")]) -> None:
    """Undo migrations; rows in dropped tables are gone."""
    command.downgrade(alembic_config(load_settings().database_url), revision)


@app.command()
def clean() -> None:
    """Delete rows that no promise needs any more; workers do it every hour as well."""
    count = run_with_auth(lambda auth: cleanup.delete_old_rows(auth.database, auth.clock.now()))
    typer.echo(f"Deleted {count} ended sessions and what else had expired.")


@app.command("after-restore")
def after_restore() -> None:
    """End every session, token and key: a restored backup knows not what was revoked since."""

    async def work(auth: Auth) -> int:
        await administration.end_everything(auth, "database_restored")
        return await api_key_administration.revoke_everybodys_keys(auth, "database_restored")

    count = run_with_auth(work)
    typer.echo(f"Ended everything, {count} API keys too; everybody logs in again.")
