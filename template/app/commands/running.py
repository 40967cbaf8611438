# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How a command gets its settings and the parts of the service, and how it ends when it cannot."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.auth.administration import AdministrationError
from app.auth.runtime import Auth
from app.auth.wiring import open_auth
from app.core.clock import SystemClock
from app.core.database import Database
from app.core.errors import AppError, UnprocessableContent
from app.core.logging import configure_logging
from app.core.settings import ConfigurationError
from app.settings import Settings

T = TypeVar("T")


def load_settings() -> Settings:
    """Return the settings as they are; a value of the wrong kind ends the command."""
    try:
        return Settings()
    except ValidationError as error:
        fail(*setting_errors(error))


def setting_errors(error: ValidationError) -> list[str]:
    """Return one sentence for each setting that could not be read, without its value."""
    return [
        f"{'.'.join(str(part) for part in wrong['loc']).upper()}: "
        f"{wrong['msg'].removeprefix('Value error, ')}."
        for wrong in error.errors(include_input=False, include_url=False)
    ]


def run_with_auth(work: Callable[[Auth], Awaitable[T]]) -> T:
    """Run a command's work with the parts of the service; an expected failure is one sentence."""
    settings = load_settings()
    project = settings.log_google_cloud_project
    configure_logging(settings.log_level, to="stderr", google_cloud_project=project)
    try:
        settings.require_safe()
        return asyncio.run(_run(settings, work))
    except ConfigurationError as error:
        fail(*error.findings)
    except AdministrationError as error:
        fail(str(error))
    except UnprocessableContent as error:
        fail("; ".join(str(wrong["type"]) for wrong in error.errors))
    except AppError as error:
        fail(f"{error.title}. Do database and Redis answer? Try: python -m app check")
    except SQLAlchemyError as error:
        fail(f"The database refused ({type(error).__name__}). Try: python -m app db upgrade")


def fail(*sentences: str) -> NoReturn:
    """Say why on standard error and end with status 1."""
    for sentence in sentences:
        typer.secho(sentence, err=True, fg=typer.colors.RED)
    raise typer.Exit(1)


async def _run(settings: Settings, work: Callable[[Auth], Awaitable[T]]) -> T:
    database = Database(settings.database_url, pool_size=1)
    try:
        async with open_auth(settings, database, SystemClock()) as auth:
            return await work(auth)
    finally:
        await database.dispose()
