# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The command line of the service: `python -m app --help`."""

import typer

from app.commands import api_keys, database, keys, services, sessions, users
from app.commands.bootstrap import bootstrap
from app.commands.check import check

main = typer.Typer(
    name="python -m app",
    help="Run and care for the service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print local variables, and with them secrets
)
main.command()(bootstrap)
main.command()(check)
main.add_typer(users.app, name="users")
main.add_typer(keys.app, name="keys")
main.add_typer(sessions.app, name="sessions")
main.add_typer(api_keys.app, name="api-keys")
main.add_typer(services.app, name="services")
main.add_typer(database.app, name="db")
