"""Includes and mounts: how the routes of one router are served by another."""

from __future__ import annotations

from .arguments import Arguments, Site
from .registering import method_names, register
from .routers import Include, Route, RouteObject, Router, initialise, snapshot, text
from .values import Constant, External, ExternalCall, Sequence, Unknown, Value, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter


def add_router(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    value = arguments.get("router", 0) or Unknown("arguments that are not known")
    for option in options(value):
        if isinstance(option, Constant):
            continue
        child = _included(interpreter, router, option, arguments, site)
        if child is None:
            continue
        edge = include_edge(router, child, site)
        prefix = arguments.get("prefix", 1)
        edge.prefix = text(prefix) if prefix is not None else ""
        if router.prefix is None or edge.prefix is None:
            edge.prefix = None
        else:
            edge.prefix = router.prefix + edge.prefix
        edge.dependencies = arguments.get("dependencies", 3) or Constant(None)
        edge.inherited = snapshot(interpreter, router.dependencies)
        if arguments.open and "dependencies" not in arguments.keywords:
            edge.dependencies = Unknown("arguments that are not known")
    return Constant(None)


def _included(
    interpreter: Interpreter, router: Router, value: Value, arguments: Arguments, site: Site
) -> Router | None:
    """Return the router that is included; one that cannot be known gets an unknown route."""
    if isinstance(value, Router):
        return value
    known = interpreter.assumed.get(id(value))
    if known is not None:
        return known[1]
    child = Router(interpreter, "opaque", site)
    interpreter.assumed[id(value)] = value, child
    if isinstance(value, ExternalCall):
        initialise(interpreter, child, value.arguments, site)
    what = (
        f"the router `{value.name}` is not part of the program"
        if isinstance(value, External)
        else f"a router that is not known ({getattr(value, 'why', 'no router')})"
    )
    route = Route("opaque", None, value, site)
    route.unknown = what
    route.inherited = snapshot(interpreter, child.dependencies)
    child.routes.append(route)
    if not isinstance(value, External):
        interpreter.dynamic.append(child)
    return child


def include_edge(parent: Router, child: Router, site: Site) -> Include:
    """Record that one router serves the routes of another."""
    edge = Include(parent, child, site)
    if parent is not child:
        child.included_in.append(edge)
    return edge


def mount(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    app = arguments.get("app", 1) or Unknown("no app")
    path = text(arguments.get("path", 0))
    for option in options(app):
        _mounted(interpreter, router, option, path, "mount", site)
    return Constant(None)


def host(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    app = arguments.get("app", 1) or Unknown("no app")
    host = text(arguments.get("host", 0))
    for option in options(app):
        _mounted(interpreter, router, option, "" if host else None, "host", site)
    return Constant(None)


def _mounted(
    interpreter: Interpreter, router: Router, app: Value, path: str | None, kind: str, site: Site
) -> None:
    """A mounted router is followed; any other app is one route that no dependency guards."""
    path = path.rstrip("/") if path is not None else None  # as Starlette does
    if isinstance(app, Router):
        edge = include_edge(router, app, site)
        edge.kind = "mount"
        edge.prefix = None if router.prefix is None or path is None else router.prefix + path
        return
    full = None if path is None or router.prefix is None else router.prefix + path
    route = Route(kind, full, app, site)
    route.methods = ("*",)
    router.routes.append(route)


def add_object(interpreter: Interpreter, router: Router, value: Value, site: Site | None) -> None:
    """Put a route object (`Route(...)`, `Mount(...)`, ...) on a router as it is."""
    for option in options(value):
        if not isinstance(option, RouteObject):
            where = site or router.site
            interpreter.problem("AUTH002", where, "a route object that is not known")
            continue
        kind, arguments, at = option.name, option.arguments, site or option.site
        if kind in {"mount", "host"}:
            _object_mount(interpreter, router, arguments, kind, option.site)
            continue
        methods = arguments.get("methods", 2 if kind == "starlette" else None)
        words = ("WEBSOCKET",) if "socket" in kind else method_names(methods)
        real = "websocket" if kind == "websocket" else "http" if kind == "http" else "starlette"
        held, router.dependencies = router.dependencies, Sequence([])
        prefix, router.prefix = router.prefix, ""
        register(interpreter, router, arguments, at, real, words)
        router.dependencies, router.prefix = held, prefix


def _object_mount(
    interpreter: Interpreter, router: Router, arguments: Arguments, kind: str, site: Site
) -> None:
    app = arguments.get("app", 1)
    path = text(arguments.get("path" if kind == "mount" else "host", 0))
    routes = arguments.get("routes", 2)
    if app is None and routes is not None:
        inner = Router(interpreter, "router", site)
        from .routers import RouteList, extend_routes

        extend_routes(interpreter, RouteList(inner), routes)
        app = inner
    _mounted(interpreter, router, app or Unknown("no app"), path, kind, site)
