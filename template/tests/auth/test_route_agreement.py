# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The checker that reads the code, the guard that walks the app, and real requests agree.

Three ways to say which routes are open can only be wrong together. FastAPI is pinned to releases
that this test has seen: since 0.137 a walk over its routes may find none of them, in silence.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import Host, Mount, Router, WebSocketRoute

from app.auth.dependencies import get_current_user
from app.auth.guard import walk_routes
from app.core.public import public_reason
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

ROOT = Path(__file__).parents[2]
ANSWER_SECONDS = 10
PARAMETER = re.compile(r"{[^}]*}")

Route = tuple[str, str]  # method (or WEBSOCKET, or * for what is mounted) and path
Verdicts = dict[Route, str]  # "protected" or "public"; anything else agrees with nothing


def weakest(pairs: Iterator[tuple[Route, str]]) -> Verdicts:
    """Return one verdict a route: protected only when it is so on every path to it."""
    found: Verdicts = {}
    for route, verdict in pairs:
        found[route] = verdict if found.get(route, "protected") == "protected" else found[route]
    return found


@pytest.fixture(scope="module")
def read() -> Verdicts:
    """What the checker says about the code."""
    command = [sys.executable, "hooks/route_auth.py", "--list", "--output-format", "json"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return weakest(rows(json.loads(listed.stdout)))


def rows(listed: list[dict[str, Any]]) -> Iterator[tuple[Route, str]]:
    """Yield the routes of the checker's list."""
    for row in listed:
        for method in row["methods"] or ["WEBSOCKET" if row["kind"] == "websocket" else "*"]:
            yield (method, row["path"] or "/"), row["verdict"]


def running(app: FastAPI) -> Verdicts:
    """What FastAPI holds, routers in routers and mounts in mounts."""
    return weakest(walk(app.router))


def walk(router: Router, prefix: str = "") -> Iterator[tuple[Route, str]]:
    """Yield what a router can reach."""
    for context in iter_route_contexts(router.routes):
        route = context.original_route
        path = prefix + (context.path or getattr(route, "path", "") or "")
        if not isinstance(route, Mount | Host):
            socket = isinstance(route, WebSocketRoute)
            for method in ["WEBSOCKET"] if socket else sorted(context.methods or ["*"]):
                yield (method, path or "/"), verdict(context)
        elif isinstance(inner := getattr(route.app, "router", route.app), Router):
            yield from walk(inner, path)
        else:
            yield ("*", path), "public" if public_reason(route.app) else "open"


def verdict(context: RouteContext) -> str:
    """Return what guards a route."""
    if authenticates(getattr(context, "dependant", None)):
        return "protected"
    return "public" if public_reason(context.endpoint) else "open"


def authenticates(dependant: Any) -> bool:
    """Tell whether the dependency that refuses is among these."""
    inner = getattr(dependant, "dependencies", [])
    return any(one.call is get_current_user or authenticates(one) for one in inner)


async def answering(service: Service, routes: Verdicts) -> Verdicts:
    """What a caller without credentials is told: 401 is protected, anything else is not."""
    found: Verdicts = {}
    for route, said in routes.items():
        refused = await refuses(service, *route)
        if refused and said == "public":  # a handler that refuses by itself does so without guard
            with guard_replaced(service.app):
                refused = not await refuses(service, *route)
        found[route] = "protected" if refused else "public"
    return found


@contextmanager
def guard_replaced(app: FastAPI) -> Iterator[None]:
    """Let everybody through."""
    before = dict(app.dependency_overrides)
    app.dependency_overrides[get_current_user] = hidden
    yield
    app.dependency_overrides = before


async def refuses(service: Service, method: str, template: str) -> bool:
    """Send one request; a route that goes on answering is open."""
    path = PARAMETER.sub(str(uuid4()), template)
    if method == "WEBSOCKET":
        return await refuses_socket(service.app, path)
    method = "GET" if method == "*" else method
    client = service.new_client()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await client.request(method, path)
    except TimeoutError:
        return False
    return response.status_code == 401


async def refuses_socket(app: FastAPI, path: str) -> bool:
    """Try to open a WebSocket; only a refusal of the handshake with 401 counts."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        # After it was accepted there is nothing to wait for: the client leaves.
        accepted = any(one["type"] == "websocket.accept" for one in sent)
        return {"type": "websocket.disconnect" if accepted else "websocket.connect", "code": 1000}

    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "wss",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"testserver")], "subprotocols": [], "state": {},
        "client": ("198.18.0.1", 1), "server": ("testserver", 443),
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    async with asyncio.timeout(ANSWER_SECONDS):
        await app(scope, receive, send)
    return bool(sent) and sent[0].get("status") == 401


def differences(*views: Verdicts) -> list[str]:
    """Return every route about which the views do not say the same."""
    routes = sorted(set().union(*views))
    said = {route: [view.get(route, "not there") for view in views] for route in routes}
    return [f"{route}: {verdicts}" for route, verdicts in said.items() if len(set(verdicts)) > 1]


async def test_the_code_the_app_and_its_answers_agree_on_every_route(
    service: Service, read: Verdicts
) -> None:
    app = running(service.app)
    assert differences(read, app, await answering(service, app)) == []
    assert {"protected", "public"} == set(app.values())


async def test_the_guard_sees_the_routes_that_are_compared(service: Service) -> None:
    seen = {(each.path.removesuffix("/*"), each.authenticated) for each in walk_routes_of(service)}
    walked = {(path, verdict == "protected") for (_, path), verdict in running(service.app).items()}
    assert seen == walked


def walk_routes_of(service: Service) -> list[Any]:
    """Return the verdicts of the guard that stops a start."""
    return list(walk_routes(service.app.router))


async def hidden() -> None:
    """Stand for an endpoint that only the running app knows."""


async def open_socket(websocket: WebSocket) -> None:
    """Stand for a WebSocket."""
    await websocket.accept()


async def test_a_route_that_only_the_running_app_has_is_a_difference(
    fresh_service: FreshService, read: Verdicts
) -> None:
    service = await fresh_service()
    service.app.add_api_route("/hidden", hidden)
    service.app.add_api_websocket_route("/hidden-socket", open_socket)
    inner = FastAPI(openapi_url=None)
    inner.add_api_route("/deep", hidden)
    service.app.mount("/hidden-mount", inner)
    found = "\n".join(differences(read, running(service.app)))
    for path in ("'/hidden'", "/hidden-socket", "/hidden-mount/deep"):
        assert path in found


async def test_a_route_that_only_the_code_has_is_a_difference(
    service: Service, read: Verdicts
) -> None:
    for route in read:
        app = running(service.app)
        del app[route]
        assert differences(read, app) == [f"{route}: {[read[route], 'not there']}"]


async def test_a_guard_that_lets_everybody_through_is_a_difference(
    fresh_service: FreshService, read: Verdicts
) -> None:
    service = await fresh_service()
    app = running(service.app)
    assert differences(read, app) == []
    with guard_replaced(service.app):
        found = differences(app, await answering(service, app))
    assert len(found) == list(app.values()).count("protected")


async def test_an_open_socket_and_a_guarded_one_answer_as_they_are(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    service.app.add_api_websocket_route("/open", open_socket)
    guard = [Depends(get_current_user)]
    service.app.router.add_api_websocket_route("/guarded", open_socket, dependencies=guard)
    app = running(service.app)
    sockets = {route: said for route, said in app.items() if route[0] == "WEBSOCKET"}
    assert await answering(service, sockets) == {
        ("WEBSOCKET", "/open"): "public",
        ("WEBSOCKET", "/guarded"): "protected",
    }
