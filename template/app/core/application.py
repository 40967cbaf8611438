# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The app: everything that must not be forgotten, put together in one order in one place."""

import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, params
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.core.bodies import BodiesMiddleware
from app.core.database import Database
from app.core.docs_page import docs_assets, docs_router
from app.core.draining import draining
from app.core.edge import EdgeMiddleware
from app.core.health import health_router
from app.core.logging import configure_logging
from app.core.metrics import metrics_router
from app.core.problems import install_problem_handlers
from app.core.settings import CoreSettings

# For forms that FastAPI reads itself; a route that takes uploads sets its own. Sizes in bytes.
MAX_FORM_FIELDS = 50
MAX_FORM_FILES = 5
MAX_FORM_PART_SIZE = 64 * 1024

# Without OpenTelemetry's SDK nothing observes; FastAPI would find that out three times a request.
NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False)

CORS_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CORS_REQUEST_HEADERS = ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID")
CORS_RESPONSE_HEADERS = ("X-Request-ID", "Retry-After", "WWW-Authenticate")


class Service(FastAPI):
    """A FastAPI app with middleware outside everything, so that a 500 and a 413 pass it too."""

    # What every request needs of `runtime`; `state` takes ten times as long to find something.
    parts: Any = None
    outer_middleware: Sequence[Middleware] = ()
    # Where FastAPI limits bodies: outside what is added later, inside what answers a 500.
    middle_middleware: Sequence[Middleware] = ()

    def build_middleware_stack(self) -> ASGIApp:
        """Return Starlette's stack with ours around and in it."""
        self.user_middleware[:0] = self.middle_middleware
        app = super().build_middleware_stack()
        for cls, args, kwargs in reversed(self.outer_middleware):
            app = cls(app, *args, **kwargs)
        return app


def create_app(
    settings: CoreSettings,
    *,
    title: str,
    authenticate: params.Depends,
    guard: Callable[[FastAPI], None],
    runtime: Callable[[Service], AbstractAsyncContextManager[None]],
    protected: Sequence[APIRouter],
    public: Sequence[APIRouter],
) -> Service:
    """Return a service that is closed except where `public` says otherwise.

    Args:
        settings: Checked here; unsafe ones never become an app.
        title: The service's name, for the documentation page.
        authenticate: The dependency that every route of `protected` gets.
        guard: Raises at start when a route is neither authenticated nor public.
        runtime: What lives as long as the app does, entered after the guard.
        protected: Routers for those who are logged in.
        public: Routers whose every route says why anyone may call it.

    Raises:
        ConfigurationError: The settings are not safe.
    """
    settings.require_safe()
    _configure_logging(settings)
    app = Service(
        title=title,
        lifespan=_lifespan(guard, runtime),
        redirect_slashes=False,
        openapi_url=None,
        telemetry=None if _has_telemetry_sdk() else NO_TELEMETRY,
        form_limits={
            "max_fields": MAX_FORM_FIELDS,
            "max_files": MAX_FORM_FILES,
            "max_part_size": MAX_FORM_PART_SIZE,
        },
    )
    app.outer_middleware = _outer_middleware(settings)
    # FastAPI's own `max_body_size` wraps every request three times, those without a body too.
    app.middle_middleware = [Middleware(BodiesMiddleware, max_body_size=settings.max_body_size)]
    app.state.settings = settings
    app.state.database = Database(settings.database_url, settings.database_pool_size)
    app.state.readiness = {"database": app.state.database.ping}
    install_problem_handlers(app)
    for router in protected:
        app.include_router(router, dependencies=[authenticate])
    for router in (*public, health_router, metrics_router(settings)):
        app.include_router(router)
    if settings.shows_docs:
        app.include_router(docs_router())
        app.mount("/docs/assets", docs_assets())
    return app


def _has_telemetry_sdk() -> bool:
    api = sys.modules["opentelemetry"]  # FastAPI has imported it
    return any(Path(folder, "sdk").is_dir() for folder in api.__path__)


def _configure_logging(settings: CoreSettings) -> None:
    debugging = settings.log_level == "DEBUG" and not settings.production
    project = settings.log_google_cloud_project
    configure_logging(
        settings.log_level, exception_messages=debugging, google_cloud_project=project
    )


def _outer_middleware(settings: CoreSettings) -> list[Middleware]:
    """Return what stands outside FastAPI's own, outermost first."""
    middleware = [
        Middleware(
            EdgeMiddleware,
            allowed_hosts=settings.allowed_hosts,
            prefix="/auth/",
            traced=bool(settings.log_google_cloud_project),
        )
    ]
    if settings.cors_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_credentials=True,
                allow_methods=CORS_METHODS,
                allow_headers=CORS_REQUEST_HEADERS,
                expose_headers=CORS_RESPONSE_HEADERS,
            )
        )
    return middleware


def _lifespan(
    guard: Callable[[FastAPI], None],
    runtime: Callable[[Service], AbstractAsyncContextManager[None]],
) -> Callable[[Service], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Service) -> AsyncGenerator[None, None]:
        guard(app)
        database: Database = app.state.database
        try:
            async with runtime(app):
                with draining(app.state.settings.shutdown_delay) as state:
                    app.state.readiness["draining"] = state.check
                    yield
        finally:
            await database.dispose()

    return lifespan
