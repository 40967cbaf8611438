# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""`python -m app bootstrap`: makes the secrets on the machine that uses them."""

import os
import secrets
from pathlib import Path

import typer

ENV_FILE = Path(".env")
SECRET_BYTES = 48  # 384 random bits; more than the 256 of the keys derived from it


def bootstrap() -> None:
    """Write .env with fresh secrets; what is already there stays."""
    present = _present_names()
    made = {
        name: secrets.token_urlsafe(SECRET_BYTES)
        for name in ("SECRET_KEY", "METRICS_TOKEN")
        if name not in present
    }
    if not made:
        typer.echo(f"{ENV_FILE} has its secrets already; nothing was changed.")
        return
    # Only its owner may read it, from the first byte on.
    descriptor = os.open(ENV_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as file:
        file.writelines(f"{name}={value}\n" for name, value in made.items())
    typer.echo(f"Wrote {', '.join(made)} to {ENV_FILE}. Keep it out of version control.")
    typer.echo("Next: python -m app db upgrade")


def _present_names() -> set[str]:
    if not ENV_FILE.exists():
        return set()
    lines = ENV_FILE.read_text().splitlines()
    return {name.strip() for name, sign, value in (line.partition("=") for line in lines) if value}
