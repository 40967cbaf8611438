# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app users`: accounts."""

from typing import Annotated

import typer

from app.auth import administration
from app.auth.derived_keys import new_secret
from app.auth.runtime import Auth
from app.auth.schemas import parse_email
from app.commands.running import run_with_auth
from app.scopes import NEW_ACCOUNT_SCOPES

DEFAULT_SCOPE = " ".join(NEW_ACCOUNT_SCOPES)

app = typer.Typer(help="Make, list, disable and change accounts.", no_args_is_help=True)


def _parse_email(value: str) -> str:
    email = parse_email(value)
    if not email:
        raise typer.BadParameter("not an e-mail address")
    return email


EmailArgument = Annotated[str, typer.Argument(parser=_parse_email, metavar="EMAIL")]
ScopeOption = Annotated[str, typer.Option(help="Space-delimited scopes of app/scopes.py.")]


@app.command()
def create(
    email: EmailArgument,
    scope: ScopeOption = DEFAULT_SCOPE,
    generate: Annotated[bool, typer.Option(help="Make a password and print it once.")] = False,
) -> None:
    """Make an account; asks for its password."""
    password = new_secret() if generate else typer.prompt("Password", hide_input=True)

    async def work(auth: Auth) -> None:
        await auth.passwords.require_strong(password, [email])
        await administration.create_account(auth, email, password, scope)

    run_with_auth(work)
    typer.echo(f"Made the account {email}.")
    if generate:
        typer.echo(f"Password: {password}")


@app.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, max=1000)] = 100) -> None:
    """List accounts, the newest first."""
    for account in run_with_auth(lambda auth: administration.list_accounts(auth, limit)):
        state = "active" if account.active else "disabled"
        typer.echo(f"{account.id}  {state:8}  {account.email or '-'}  {account.scope}")


@app.command()
def disable(email: EmailArgument) -> None:
    """Refuse an account everything, at once."""

    async def work(auth: Auth) -> None:
        await administration.disable(auth, (await administration.find_account(auth, email)).id)

    run_with_auth(work)
    typer.echo(f"Disabled {email}; all its sessions have ended.")


@app.command()
def enable(email: EmailArgument) -> None:
    """Let a disabled account log in again."""

    async def work(auth: Auth) -> None:
        await administration.enable(auth, (await administration.find_account(auth, email)).id)

    run_with_auth(work)
    typer.echo(f"Enabled {email}.")


@app.command()
def scopes(
    email: EmailArgument,
    scope: Annotated[str, typer.Argument(help="All scopes that the account shall hold.")],
) -> None:
    """Set the scopes of an account; taking one away ends its sessions."""

    async def work(auth: Auth) -> None:
        account = await administration.find_account(auth, email)
        await administration.set_scope(auth, account, scope)

    run_with_auth(work)
    typer.echo(f"{email} now holds: {scope or 'nothing'}.")
