# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app services`: programs with an account of their own, which use API keys."""

from typing import Annotated

import typer

from app.auth import administration, service_principals
from app.auth.runtime import Auth
from app.commands.running import run_with_auth

NameArgument = Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")]

app = typer.Typer(help="Make, list, disable and change service principals.", no_args_is_help=True)


@app.command()
def create(
    name: NameArgument,
    scope: Annotated[str, typer.Option(help="Space-delimited scopes of app/scopes.py.")],
) -> None:
    """Make a service principal; then make it a key: api-keys create svc:NAME."""
    account_id = run_with_auth(lambda auth: service_principals.create(auth, name, scope))
    typer.echo(f"Made the service {name}; its sub is svc:{account_id}.")


@app.command("list")
def list_() -> None:
    """List service principals by name."""
    for service, account in run_with_auth(service_principals.list_all):
        state = "active" if account.active else "disabled"
        typer.echo(f"svc:{account.id}  {state:8}  {service.name}  {account.scope}")


@app.command()
def disable(name: NameArgument) -> None:
    """Refuse a service everything; its keys are revoked for good."""

    async def work(auth: Auth) -> None:
        await administration.disable(auth, (await service_principals.find(auth, name)).id)

    run_with_auth(work)
    typer.echo(f"Disabled {name}; its keys are refused within 30 seconds.")


@app.command()
def enable(name: NameArgument) -> None:
    """Let a disabled service have keys again; it needs new ones."""

    async def work(auth: Auth) -> None:
        await administration.enable(auth, (await service_principals.find(auth, name)).id)

    run_with_auth(work)
    typer.echo(f"Enabled {name}.")


@app.command()
def scopes(
    name: NameArgument,
    scope: Annotated[str, typer.Argument(help="All scopes that the service shall hold.")],
) -> None:
    """Set the scopes of a service; its keys may do what is in both, within 30 seconds."""

    async def work(auth: Auth) -> None:
        await administration.set_scope(auth, await service_principals.find(auth, name), scope)

    run_with_auth(work)
    typer.echo(f"{name} now holds: {scope or 'nothing'}.")
