# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app keys`: the keys that sign access tokens."""

from datetime import datetime
from typing import Annotated

import typer

from app.auth.models import SigningKey
from app.auth.runtime import Auth
from app.commands.running import fail, run_with_auth
from app.core.clock import SystemClock
from app.core.logging import security_event

app = typer.Typer(help="List, rotate and revoke signing keys.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List every key with its state."""
    now = SystemClock().now()
    for key in run_with_auth(lambda auth: auth.key_store.list()):
        times = f"signs {key.sign_from:%Y-%m-%d %H:%M} to {key.sign_until:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{key.kid}  {key.alg}  {_state(key, now):8}  {times}")


@app.command()
def rotate(
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only when no key is waiting; for a scheduler.")
    ] = False,
) -> None:
    """Bring the next key into use, 24 hours after it was published at the earliest."""

    async def work(auth: Auth) -> str | None:
        now = auth.clock.now()
        rotate_now = auth.key_store.rotate_if_due if if_due else auth.key_store.rotate
        kid = await rotate_now(now)
        if kid:
            security_event("signing_key_rotated", kid=kid)
        return kid

    kid = run_with_auth(work)
    typer.echo(f"Next key: {kid}." if kid else "Nothing was due.")


@app.command()
def reseal() -> None:
    """Seal every key with the newest SECRET_KEY; then SECRET_KEY_PREVIOUS can go."""
    count = run_with_auth(lambda auth: auth.key_store.reseal())
    typer.echo(f"Sealed {count} again.")


@app.command()
def revoke(
    kid: Annotated[str, typer.Argument(help="The key; see: keys list.")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Every key: the answer to a leaked SECRET_KEY.")
    ] = False,
) -> None:
    """Refuse what a key signed, in every worker within 30 seconds; clients then refresh."""
    if every == bool(kid):
        fail("Name one key, or say --all.")

    async def work(auth: Auth) -> int:
        now = auth.clock.now()
        if every:
            count = len(await auth.key_store.revoke_all(now))
        else:
            count = int(await auth.key_store.revoke(kid, now))
        security_event("signing_key_revoked", kid=kid or "all", count=count)
        return count

    count = run_with_auth(work)
    if not count:
        fail(f"No living key is called {kid}.")
    typer.echo(f"Revoked {count}; workers follow within 30 seconds.")


def _state(key: SigningKey, now: datetime) -> str:
    if key.revoked_at:
        return "revoked"
    if now < key.sign_from:
        return "pending"
    if now < key.sign_until:
        return "active"
    return "retiring" if now < key.verify_until else "gone"
