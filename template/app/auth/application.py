# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The app with authentication in it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, ProgrammingError
from starlette.routing import Match
from starlette.types import Scope

from app.auth.background import background_work
from app.auth.dependencies import get_current_user
from app.auth.guard import require_guarded_routes
from app.auth.models import SigningKey
from app.auth.requirements import PEOPLE, requires
from app.auth.wiring import PROTECTED, PUBLIC, AuthSettings, open_auth
from app.core import application
from app.core.clock import Clock, SystemClock
from app.core.database import Database
from app.core.settings import ConfigurationError

MISSING_MIGRATIONS = "The database lacks migrations: run `python -m app db upgrade`."


def create_app(
    settings: AuthSettings,
    *,
    title: str,
    protected: Sequence[APIRouter],
    public: Sequence[APIRouter] = (),
    clock: Clock | None = None,
) -> application.Service:
    """Return the app; it refuses to start with a route that nobody guards.

    Args:
        settings: refused when they are weak.
        title: what the docs page is called.
        protected: routers whose every route needs a valid access token.
        public: routers whose routes each carry `@public(reason=...)`.
        clock: for tests.

    Raises:
        ConfigurationError: with everything that is wrong with the settings.
    """

    @asynccontextmanager
    async def run_with_auth(app: application.Service) -> AsyncGenerator[None, None]:
        await _require_tables(app.state.database)
        async with open_auth(settings, app.state.database, clock or SystemClock()) as auth:
            app.state.auth = app.parts = auth
            app.state.readiness |= {**auth.stores.readiness, "keyring": auth.keyring.ping}
            async with background_work(auth):
                yield

    return application.create_app(
        settings,
        title=title,
        authenticate=Depends(get_current_user),
        guard=require_guarded_routes,
        runtime=run_with_auth,
        protected=[_for_people(PROTECTED), *protected],
        public=[*PUBLIC, *public],
    )


class _AccountRoutes(APIRouter):
    """Routes that all lie below /auth: no other request is compared with each of them."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a route fits; a prefix in front of the service may come before /auth."""
        if "/auth/" not in scope["path"]:
            return Match.NONE, {}
        return super().matches(scope)


def _for_people(routers: Sequence[APIRouter]) -> APIRouter:
    """Return the routes that manage accounts as one router, which refuses API keys.

    A key that leaked must not make keys, end sessions or move the account to another address; who
    adds a route here need not think of it.
    """
    router = _AccountRoutes(dependencies=[requires(kinds=PEOPLE)])
    for each in routers:
        router.include_router(each)
    return router


async def _require_tables(database: Database) -> None:
    """Say in one sentence what an empty database lacks; the driver would need fifty lines."""
    try:
        async with database.read() as session:
            await session.execute(select(SigningKey).limit(1))
    except (OperationalError, ProgrammingError):  # no such table, or it lacks a column
        raise ConfigurationError([MISSING_MIGRATIONS]) from None
