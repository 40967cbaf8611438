"""The truth about a case: its app runs and every route is asked without credentials."""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from starlette.routing import Host, Mount, Router
from starlette.websockets import WebSocketDisconnect

from .cases import Case

# FastAPI's own pages, which a setting of the app turns off: not registered by the program.
BUILT_IN = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")
REFUSED = {401, 403}


@dataclass(frozen=True)
class Truth:
    """One route of a running app: what answered a request that carried no credentials."""

    methods: frozenset[str]
    path: str
    open: bool


def measure(case: Case, folder: Path) -> list[Truth]:
    """Import the case's app, start it and ask every route."""
    case.write(folder)
    with _importable(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main = importlib.import_module("main")
        app: FastAPI = main.app if hasattr(main, "app") else main.create_app()
        with TestClient(app, raise_server_exceptions=False) as client:
            found = []
            for methods, path in _routes(app.router):
                if not path.endswith(BUILT_IN):
                    found.append(Truth(methods, path, _is_open(client, methods, path)))
        return found


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            paths = (
                [file] if file else [str(one) for one in getattr(sys.modules[name], "__path__", [])]
            )
            if any(str(folder) in one for one in paths):
                del sys.modules[name]


def _routes(router: Router, prefix: str = "") -> Iterator[tuple[frozenset[str], str]]:
    low_priority: list[Any] = getattr(router, "_low_priority_routes", [])
    for context in iter_route_contexts([*router.routes, *low_priority]):
        route = context.original_route
        path = prefix + (context.path or getattr(route, "path", "") or "")
        if isinstance(route, Mount | Host):
            inner = getattr(route.app, "router", route.app)
            if isinstance(inner, Router):
                yield from _routes(inner, path)
            else:
                yield frozenset({"*"}), path
        elif "socket" in type(route).__name__.lower():
            yield frozenset(), path
        else:
            yield frozenset(getattr(context, "methods", None) or {"GET"}), path


def _is_open(client: TestClient, methods: frozenset[str], path: str) -> bool:
    """Ask once without credentials, and once with them to see that the route works at all."""
    url = re.sub(r"{[^}]*}", "1", path)
    if not methods:
        return _socket_is_open(client, url)
    url = {"/static": "/static/x", "": "/"}.get(url, url)
    method = min(methods - {"HEAD"} or methods).replace("*", "GET")
    anonymous = client.request(method, url, headers={"accept": "text/html"})
    known = client.request(
        method, url, headers={"authorization": "Bearer x", "accept": "text/html"}
    )
    assert known.status_code < 400, (method, url, known.status_code, known.text)
    assert anonymous.status_code < 400 or anonymous.status_code in REFUSED, anonymous.status_code
    return anonymous.status_code not in REFUSED


def _socket_is_open(client: TestClient, url: str) -> bool:
    with client.websocket_connect(url, headers={"authorization": "Bearer x"}):
        pass
    try:
        with client.websocket_connect(url):
            return True
    except WebSocketDisconnect:
        return False
