# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app api-keys`: the keys of accounts and of service principals."""

from datetime import timedelta
from typing import Annotated

import typer

from app.auth import api_key_administration, api_key_service
from app.auth.api_key_service import DEFAULT_LIFETIME, MadeKey
from app.auth.runtime import Auth
from app.commands.running import fail, run_with_auth
from app.core.clock import SystemClock

OwnerArgument = Annotated[
    str, typer.Argument(help="An e-mail address, or svc: and the name of a service.")
]
IdArgument = Annotated[str, typer.Argument(help="The id of the key; see: api-keys list.")]

app = typer.Typer(help="Make, list, rotate and revoke API keys.", no_args_is_help=True)


@app.command()
def create(
    owner: OwnerArgument,
    label: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[
        str | None, typer.Option(help="Space-delimited; all of the owner's when left out.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How long the key lives.")] = (
        DEFAULT_LIFETIME.days
    ),
) -> None:
    """Make a key and print it, this once, as the only line on standard output."""
    lifetime = timedelta(days=days)
    _show(
        run_with_auth(
            lambda auth: api_key_administration.create_key(auth, owner, label, scope, lifetime)
        )
    )


@app.command("list")
def list_(owner: OwnerArgument) -> None:
    """List the keys of an owner, with those that ended in the last 30 days."""
    now = SystemClock().now()
    for key in run_with_auth(lambda auth: api_key_administration.list_keys(auth, owner)):
        used = f"{key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never"
        typer.echo(
            f"{key.id}  {api_key_service.state_of(key, now):8}"
            f"  until {key.expires_at:%Y-%m-%d %H:%M} UTC  used {used}"
            f"  {key.last_used_ip or '-'}  {key.label}  {key.scope}"
        )


@app.command()
def rotate(key_id: IdArgument) -> None:
    """Print a successor, this once; the old key goes on for 24 hours at most."""
    _show(run_with_auth(lambda auth: api_key_administration.rotate_key(auth, key_id)))


@app.command()
def revoke(key_id: IdArgument) -> None:
    """Refuse a key, in every worker within 30 seconds."""
    run_with_auth(lambda auth: api_key_administration.revoke_key(auth, key_id))
    typer.echo("Revoked; workers follow within 30 seconds.")


@app.command("revoke-all")
def revoke_all(
    owner: OwnerArgument = "",
    everyone: Annotated[bool, typer.Option("--everyone", help="Of every owner.")] = False,
) -> None:
    """Refuse every key of one owner, or of everybody, in every worker within 30 seconds."""
    if everyone == bool(owner):
        fail("Name one owner, or say --everyone.")

    async def work(auth: Auth) -> int:
        if everyone:
            reason = api_key_administration.BY_ADMINISTRATOR
            return await api_key_administration.revoke_everybodys_keys(auth, reason)
        return await api_key_administration.revoke_all_keys(auth, owner)

    count = run_with_auth(work)
    typer.echo(f"Revoked {count}; workers follow within 30 seconds.")


def _show(made: MadeKey) -> None:
    # The key alone on standard output, for a pipe into a secret store.
    typer.echo(f"Id {made.row.id}, until {made.row.expires_at:%Y-%m-%d %H:%M} UTC:", err=True)
    typer.echo(made.text)
