"""The methods that register routes, and how one of them calls another in FastAPI."""

from __future__ import annotations

from .arguments import Arguments, Site
from .including import add_router, host, mount
from .objects import Class, Native, lineage
from .registering import method_names, register
from .routers import Router, initialise, text
from .values import Constant, Sequence, Unknown, Value

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
    register(interpreter, router, arguments, site, "http", method_names(methods))
    return Constant(None)


def _add_websocket(
    interpreter: Interpreter, router: Router, arguments: Arguments, site: Site
) -> Value:
    register(interpreter, router, arguments, site, "websocket", ("WEBSOCKET",))
    return Constant(None)


def _add_route(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    methods = arguments.get("methods", 2)
    register(interpreter, router, arguments, site, "starlette", method_names(methods))
    return Constant(None)


def _add_websocket_route(
    interpreter: Interpreter, router: Router, arguments: Arguments, site: Site
) -> Value:
    register(interpreter, router, arguments, site, "starlette", ("WEBSOCKET",))
    return Constant(None)


def _frontend(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
    given = text(arguments.get("path", 0))
    path = Constant(given.rstrip("/")) if given is not None else Unknown("a path")
    inner = Arguments([path, Constant(None)], arguments.keywords)
    register(interpreter, router, inner, site, "frontend", ("GET",))
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


_api_route = _decorator("add_api_route", _add_api_route)
METHODS: dict[str, Method] = {
    "api_route": _api_route, "add_api_route": _add_api_route, "include_router": add_router,
    "websocket": _decorator("add_api_websocket_route", _add_websocket),
    "add_api_websocket_route": _add_websocket, "mount": mount, "host": host,
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
