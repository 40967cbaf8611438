# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app sessions`: logins and access tokens."""

from typing import Annotated
from uuid import UUID

import typer

from app.auth import administration, logout, repository
from app.auth.models import AuthSession
from app.auth.runtime import Auth
from app.commands.running import fail, run_with_auth
from app.commands.users import EmailArgument

app = typer.Typer(help="List and end sessions.", no_args_is_help=True)


@app.command("list")
def list_(email: EmailArgument) -> None:
    """List the living sessions of an account."""

    async def work(auth: Auth) -> list[AuthSession]:
        account = await administration.find_account(auth, email)
        async with auth.database.read() as session:
            now = auth.clock.now()
            return list(await repository.living_sessions(session, account.id, now))

    for row in run_with_auth(work):
        used = f"{row.last_refreshed_at:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{row.id}  used {used}  {row.ip}  {row.user_agent}")


@app.command()
def end(session_id: UUID) -> None:
    """End one session."""
    run_with_auth(lambda auth: logout.log_out(auth, session_id, "ended_by_administrator"))
    typer.echo("Ended.")


@app.command("end-all")
def end_all(
    email: Annotated[str, typer.Argument(help="Whose sessions.")] = "",
    everyone: Annotated[bool, typer.Option("--everyone", help="Of every account.")] = False,
) -> None:
    """End every session of one account, or of everybody; API keys go on (api-keys revoke-all)."""
    if everyone == bool(email):
        fail("Name one account, or say --everyone.")

    async def work(auth: Auth) -> None:
        if everyone:
            await administration.end_everything(auth, "ended_by_administrator")
        else:
            account = await administration.find_account(auth, email.lower())
            await administration.end_all_sessions(auth, account.id)

    run_with_auth(work)
    typer.echo("Ended all sessions.")


@app.command("deny-token")
def deny_token(jti: Annotated[str, typer.Argument(help="The jti claim of the token.")]) -> None:
    """Deny one access token until it has expired."""
    run_with_auth(lambda auth: administration.deny_token(auth, jti))
    typer.echo("Denied.")
