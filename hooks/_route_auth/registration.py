"""The methods that register routes, and how one of them calls another in FastAPI."""

from __future__ import annotations

from .routers import Include, Route, RouteObject, Router, initialise, snapshot, text
from .values import (
    Arguments, Class, Constant, External, ExternalCall, Native, Sequence, Site, Unknown,
    Value, lineage, options,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Interpreter

    Method = Callable[[Interpreter, Router, Arguments, Site], Value]


def overridden(interpreter: Interpreter, router: Router, name: str) -> Value | None:
    """Return a method that a router class of the program puts in FastAPI's place.

    FastAPI's own `app.get` goes straight to the app's router, so an app's override is not called.
    """
    if router.kind != "router" or router.cls is None:
        return None
    if any(isinstance(one, Class) and name in one.namespace for one in lineage(router.cls)):
        return interpreter.attribute(router, name)
    return None


def _verb(method: str) -> Method:
    def run(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
        methods = Sequence([Constant(method.upper())])
        inner = arguments.extended([], {"methods": methods})
        custom = overridden(interpreter, router, "api_route")
        if custom is not None:
            return interpreter.call(custom, inner, site)
        return _api_route(interpreter, router, inner, site)

    return run


def _decorator(name: str, add: Method) -> Method:
    """Return the decorator form of an `add_...` method; a subclass may override the latter."""

    def run(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
        def decorate(interpreter: Interpreter, given: Arguments, _: Site) -> Value:
            target = given.positional[0] if given.positional else Unknown("nothing")
            path = arguments.get("path", 0) or Unknown("no path")
            keywords = {key: one for key, one in arguments.keywords.items() if key != "path"}
            inner = Arguments([path, target, *arguments.positional[1:]], keywords)
            inner.open = arguments.open
            custom = overridden(interpreter, router, name)
            if custom is None:
                add(interpreter, router, inner, site)
            else:
                outer, interpreter.origin = interpreter.origin, interpreter.origin or site
                interpreter.call(custom, inner, site)
                interpreter.origin = outer
            return target

        return Native("decorator", decorate)

    return run


def _add_api_route(
    interpreter: Interpreter, router: Router, arguments: Arguments, site: Site
) -> Value:
    methods = arguments.get("methods")
    _register(interpreter, router, arguments, site, "http", _methods(methods))
    return Constant(None)


def _add_websocket(
    interpreter: Interpreter, router: Router, arguments: Arguments, site: Site
) -> Value:
    _register(interpreter, router, arguments, site, "websocket", ("WEBSOCKET",))
    return Constant(None)


def _add_route(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    methods = arguments.get("methods", 2)
    _register(interpreter, router, arguments, site, "starlette", _methods(methods))
    return Constant(None)


def _add_websocket_route(
    interpreter: Interpreter, router: Router, arguments: Arguments, site: Site
) -> Value:
    _register(interpreter, router, arguments, site, "starlette", ("WEBSOCKET",))
    return Constant(None)


def _methods(value: Value | None) -> tuple[str, ...]:
    items = value.items if isinstance(value, Sequence) else []
    names = [one.value for one in items if isinstance(one, Constant)]
    return tuple(sorted(str(name).upper() for name in names)) or ("GET",)


def _register(
    interpreter: Interpreter, router: Router, arguments: Arguments, site: Site, kind: str,
    methods: tuple[str, ...],
) -> None:  # fmt: skip
    """Put one route for each possible handler on the router."""
    handler = arguments.get("endpoint", 1) or arguments.get("func") or Unknown("no handler")
    if isinstance(handler, Unknown) and arguments.open:
        handler = Unknown("arguments that are not known")
    for option in options(handler):
        path = text(arguments.get("path", 0))
        full = None if path is None or router.prefix is None else router.prefix + path
        route = Route(kind, full, option, interpreter.origin or site)
        route.methods = methods
        route.dependencies = arguments.get("dependencies") or Constant(None)
        if arguments.open and "dependencies" not in arguments.keywords:
            route.unknown = "its arguments are not known"
        if kind != "starlette":
            route.inherited = snapshot(interpreter, router.dependencies)
        router.routes.append(route)


def _include(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
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
    what = f"the router `{value.name}` is not part of the program" if isinstance(
        value, External
    ) else f"a router that is not known ({getattr(value, 'why', 'no router')})"
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


def _mount(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    app = arguments.get("app", 1) or Unknown("no app")
    path = text(arguments.get("path", 0))
    for option in options(app):
        _mounted(interpreter, router, option, path, "mount", site)
    return Constant(None)


def _host(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    app = arguments.get("app", 1) or Unknown("no app")
    host = text(arguments.get("host", 0))
    for option in options(app):
        _mounted(interpreter, router, option, "" if host else None, "host", site)
    return Constant(None)


def _mounted(
    interpreter: Interpreter, router: Router, app: Value, path: str | None, kind: str, site: Site
) -> None:
    """A mounted router is followed; any other app is one route that no dependency guards."""
    if isinstance(app, Router):
        edge = include_edge(router, app, site)
        edge.kind = "mount"
        edge.prefix = None if router.prefix is None or path is None else router.prefix + path
        return
    full = None if path is None or router.prefix is None else router.prefix + path
    route = Route(kind, full, app, site)
    route.methods = ("*",)
    router.routes.append(route)


def _frontend(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    given = text(arguments.get("path", 0))
    path = Constant(given.rstrip("/")) if given is not None else Unknown("a path")
    inner = Arguments([path, Constant(None)], arguments.keywords)
    _register(interpreter, router, inner, site, "frontend", ("GET",))
    return Constant(None)


def _on_event(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    def decorate(interpreter: Interpreter, given: Arguments, inner: Site) -> Value:
        for one in given.positional[:1]:
            interpreter.later.append((one, Arguments(), inner))
        return given.positional[0] if given.positional else Unknown("nothing")

    if len(arguments.positional) > 1:  # add_event_handler
        interpreter.later.append((arguments.positional[1], Arguments(), site))
    return Native("decorator", decorate)


def _keep(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    """`middleware`, `exception_handler`: decorators that leave the function as it is."""
    return Native("decorator", lambda _, given, __: given.positional[0])


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
        words = ("WEBSOCKET",) if "socket" in kind else _methods(methods)
        real = "websocket" if kind == "websocket" else "http" if kind == "http" else "starlette"
        held, router.dependencies = router.dependencies, Sequence([])
        prefix, router.prefix = router.prefix, ""
        _register(interpreter, router, arguments, at, real, words)
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


_api_route = _decorator("add_api_route", _add_api_route)
METHODS: dict[str, Method] = {
    "api_route": _api_route, "add_api_route": _add_api_route, "include_router": _include,
    "websocket": _decorator("add_api_websocket_route", _add_websocket),
    "add_api_websocket_route": _add_websocket, "mount": _mount, "host": _host,
    "route": _decorator("add_route", _add_route), "add_route": _add_route,
    "websocket_route": _decorator("add_websocket_route", _add_websocket_route),
    "add_websocket_route": _add_websocket_route, "frontend": _frontend, "on_event": _on_event,
    "add_event_handler": _on_event, "middleware": _keep, "exception_handler": _keep,
    "__init__": initialise,
}  # fmt: skip
for _name in ("get", "post", "put", "delete", "patch", "options", "head", "trace"):
    METHODS[_name] = _verb(_name)
DECORATORS = {*METHODS} - {
    "add_api_route", "include_router", "add_api_websocket_route", "mount", "host", "add_route",
    "add_websocket_route", "frontend", "__init__",
}  # fmt: skip
