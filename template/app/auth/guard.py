# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Refuses to start an app with a route that is neither authenticated nor declared public.

The walk follows what FastAPI will serve: included routers at every depth, mounts, WebSockets,
hosts, front ends and routes outside the schema. What it cannot look into counts as open.
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import Host, Mount, Router

from app.auth.dependencies import get_current_user
from app.core.public import public_reason


class UnguardedRoutes(Exception):
    """The app has routes that anybody could call without anybody having said so."""


@dataclass(frozen=True)
class RouteVerdict:
    """What the walk found about one route.

    Attributes:
        path: the path with its prefixes.
        endpoint: the function or app behind it.
        authenticated: whether the authentication dependency runs before it.
        public_reason: why it is open, if somebody declared it.
    """

    path: str
    endpoint: object
    authenticated: bool
    public_reason: str | None

    @property
    def problem(self) -> str | None:
        """What is wrong with the route, or None."""
        if self.authenticated and self.public_reason:
            return "is declared public and authenticated at once"
        if not self.authenticated and not self.public_reason:
            return "is neither authenticated nor declared public"
        return None


def require_guarded_routes(app: FastAPI) -> None:
    """Walk the finished app.

    Raises:
        UnguardedRoutes: with every offending route, its function and file; or no route was seen,
            which means that the walk and not the app is at fault.
    """
    verdicts = list(walk_routes(app.router))
    if not verdicts:
        raise UnguardedRoutes("the route walk saw no routes: it does not fit this FastAPI version")
    problems = [f"- {v.path} {v.problem} ({_where(v.endpoint)})" for v in verdicts if v.problem]
    if problems:
        raise UnguardedRoutes(
            "refusing to start:\n"
            + "\n".join(problems)
            + "\nPass the router as protected=[...], or open the route with @public(reason=...)."
        )


def walk_routes(router: Router, prefix: str = "") -> Iterator[RouteVerdict]:
    """Yield a verdict for every route that the router can reach."""
    for context in iter_route_contexts(router.routes):
        route = context.original_route
        path = prefix + (context.path or getattr(route, "path", "") or "")
        if isinstance(route, Mount | Host):
            yield from _walk_mounted(route.app, path)
        else:
            yield _judge(context, path)
    # Front ends stand in a list of their own, which the walk of FastAPI leaves out.
    if isinstance(router, APIRouter):
        for front_end in router._iter_low_priority_routes():
            dependant: Dependant | None = getattr(front_end, "dependant", None)
            authenticated = dependant is not None and _authenticates(dependant)
            yield RouteVerdict(f"{prefix}/*", "a front end", authenticated, None)


def _walk_mounted(mounted: object, path: str) -> Iterator[RouteVerdict]:
    inner = getattr(mounted, "router", mounted)
    if isinstance(inner, Router):
        yield from walk_routes(inner, path)
    else:
        yield RouteVerdict(path + "/*", mounted, False, public_reason(mounted))


def _judge(context: RouteContext, path: str) -> RouteVerdict:
    dependant: Dependant | None = getattr(context, "dependant", None)
    return RouteVerdict(
        path=path,
        endpoint=context.endpoint,
        authenticated=dependant is not None and _authenticates(dependant),
        public_reason=public_reason(context.endpoint),
    )


def _authenticates(dependant: Dependant) -> bool:
    return any(
        inner.call is get_current_user or _authenticates(inner) for inner in dependant.dependencies
    )


def _where(endpoint: Any) -> str:
    try:
        unwrapped = inspect.unwrap(endpoint)
        file, line = inspect.getsourcefile(unwrapped), inspect.getsourcelines(unwrapped)[1]
    except (TypeError, OSError):
        return repr(endpoint)
    return f"{getattr(unwrapped, '__qualname__', unwrapped)}, {file}:{line}"
