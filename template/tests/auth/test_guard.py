# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A route that nobody guards stops the start, wherever it hides, and is called by its name."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router

from app.auth import CurrentUser, create_app, get_current_user, public, requires
from app.auth.guard import UnguardedRoutes, require_guarded_routes, walk_routes
from app.scopes import SCOPES
from tests.auth.support.settings import build_settings, settings_values

# Every route of the template that needs no access token. A new one is a decision: add it here.
PUBLIC = {
    "/auth/register",
    "/auth/email/verify",
    "/auth/password/forgot",
    "/auth/password/reset",
    "/auth/token",
    "/auth/session",
    "/auth/refresh",
    "/auth/logout",
    "/.well-known/jwks.json",
    "/livez",
    "/readyz",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/docs/assets/*",
}
PROTECTED = {
    "/auth/api-keys",
    "/auth/api-keys/{public_id}",
    "/auth/api-keys/{public_id}/rotate",
    "/auth/me",
    "/auth/password/change",
    "/auth/email/change",
    "/auth/logout-all",
    "/auth/sessions",
    "/auth/sessions/{session_id}",
}
if find_spec("app.auth.oauth"):
    PUBLIC |= {f"/auth/oauth/{path}" for path in ("{provider}/login", "{provider}/callback")}
    PUBLIC |= {"/auth/oauth/exchange"}
    PROTECTED |= {"/auth/oauth/{provider}/link"}
    PROTECTED |= {"/auth/identities", "/auth/identities/{identity_id}"}


async def left_open() -> None:
    """Stand for an endpoint that somebody forgot to guard."""


async def plain(request: Request) -> PlainTextResponse:
    """Stand for an endpoint of Starlette."""
    return PlainTextResponse("open")


def build(*routers: APIRouter, protected: Sequence[APIRouter] = ()) -> FastAPI:
    """Return an app of the template with more routers in it."""
    settings = build_settings(settings_values("sqlite+aiosqlite:///never-opened.db"))
    return create_app(settings, title="Guard", protected=protected, public=routers)


def build_open(name: str) -> FastAPI:
    """Return an app of the template with a forgotten route."""
    app = build()
    OPENINGS[name](app)
    return app


def with_route(router: APIRouter, prefix: str = "") -> APIRouter:
    """Return a router with the forgotten endpoint, in another router when a prefix is given."""
    router.add_api_route("/forgotten", left_open)
    if not prefix:
        return router
    outer = APIRouter()
    outer.include_router(router, prefix=prefix)
    return outer


async def start(app: FastAPI) -> None:
    """Run the lifespan up to the point where requests would be served."""
    async with app.router.lifespan_context(app):
        pytest.fail("the app started")


OPENINGS: dict[str, Callable[[FastAPI], object]] = {
    "a route of the app": lambda app: app.add_api_route("/forgotten", left_open),
    "outside the schema": lambda app: app.add_api_route(
        "/forgotten", left_open, include_in_schema=False
    ),
    "an included router": lambda app: app.include_router(with_route(APIRouter())),
    "a router in a router": lambda app: app.include_router(with_route(APIRouter(), "/deep")),
    "a plain Starlette route": lambda app: app.router.routes.append(Route("/forgotten", plain)),
    "a mounted FastAPI app": lambda app: app.mount("/forgotten", _with_route(FastAPI())),
    "a mounted Starlette app": lambda app: app.mount(
        "/forgotten", Starlette(routes=[Route("/inside", plain)])
    ),
    "a mounted ASGI app": lambda app: app.mount("/forgotten", PlainTextResponse("open")),
    "a mount in a mount": lambda app: app.mount(
        "/forgotten", Router([Mount("/deeper", Starlette(routes=[Route("/inside", plain)]))])
    ),
    "a host": lambda app: app.router.routes.append(
        Host("forgotten.example", Starlette(routes=[Route("/forgotten", plain)]))
    ),
    "a WebSocket": lambda app: app.add_api_websocket_route("/forgotten", _websocket),
    "another dependency than ours": lambda app: app.add_api_route(
        "/forgotten", left_open, dependencies=[Depends(lambda: "somebody")]
    ),
}


def _with_route(app: FastAPI) -> FastAPI:
    app.add_api_route("/inside", left_open)
    return app


async def _websocket(websocket: WebSocket) -> None:
    await websocket.accept()


@pytest.mark.parametrize("name", OPENINGS)
async def test_a_forgotten_route_stops_the_start(name: str) -> None:
    app = build_open(name)
    with pytest.raises(UnguardedRoutes, match="forgotten"):
        await start(app)


async def test_a_public_router_does_not_open_its_routes_by_itself() -> None:
    app = build(with_route(APIRouter()))
    with pytest.raises(UnguardedRoutes):
        await start(app)


async def test_the_refusal_names_the_function_and_its_file() -> None:
    app = build_open("an included router")
    with pytest.raises(UnguardedRoutes, match=r"/forgotten .*left_open.*test_guard\.py:\d+"):
        await start(app)


def test_every_forgotten_route_is_named_at_once() -> None:
    app = build_open("a route of the app")
    OPENINGS["a mounted ASGI app"](app)
    with pytest.raises(UnguardedRoutes) as refused:
        require_guarded_routes(app)
    assert str(refused.value).count("\n- ") == 2


def test_a_reason_opens_a_route_and_an_empty_one_does_not() -> None:
    router = APIRouter()
    router.add_api_route("/open", public(reason="anybody may see this")(plain_endpoint()))
    require_guarded_routes(build(router))
    for empty in ("", "  "):
        with pytest.raises(ValueError, match="reason"):
            public(reason=empty)


def plain_endpoint() -> Callable[[], object]:
    """Return an endpoint that no other test has marked."""

    async def endpoint() -> None:
        return None

    return endpoint


def test_a_route_that_is_public_and_authenticated_at_once_is_refused() -> None:
    router = APIRouter()
    endpoint = public(reason="a contradiction")(plain_endpoint())
    router.add_api_route("/both", endpoint, dependencies=[Depends(get_current_user)])
    with pytest.raises(UnguardedRoutes, match="at once"):
        require_guarded_routes(build(router))


def test_what_authenticates_by_itself_or_by_its_router_is_accepted() -> None:
    async def takes_user(user: CurrentUser) -> None:
        return None

    router = APIRouter()
    router.add_api_route("/by-argument", takes_user)
    router.add_api_route("/by-scope", plain_endpoint(), dependencies=[requires(next(iter(SCOPES)))])
    guarded = APIRouter(dependencies=[Depends(get_current_user)])
    guarded.add_api_route("/by-router", plain_endpoint())
    router.include_router(guarded)
    protected = APIRouter()
    protected.add_api_route("/protected", plain_endpoint())
    protected.add_api_websocket_route("/protected-socket", _websocket)
    require_guarded_routes(build(router, protected=[protected]))


def test_a_walk_that_sees_nothing_is_a_failure_of_the_walk() -> None:
    # Since FastAPI 0.137 the usual loop over app.routes passes on nothing.
    with pytest.raises(UnguardedRoutes, match="no routes"):
        require_guarded_routes(FastAPI(openapi_url=None))


def test_the_open_routes_of_the_template_are_these_and_no_others() -> None:
    app = build()
    verdicts = list(walk_routes(app.router))
    assert {each.path for each in verdicts if each.public_reason} <= PUBLIC
    assert {each.path for each in verdicts if each.authenticated} == PROTECTED
    assert [each.path for each in verdicts if each.problem] == []
