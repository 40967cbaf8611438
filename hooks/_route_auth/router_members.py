"""Attributes of routers, and of unknown things that are used as routers."""

from __future__ import annotations

from .arguments import Arguments, Site
from .objects import Function, Instance, Native
from .routers import RouteList, Router, extend_routes, initialise, text
from .values import Constant, External, ExternalCall, Mapping, Unknown, Value, join, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .registration import Method
# Libraries with decorators of the same names, whose routes are not FastAPI's.
OTHER_LIBRARIES = {
    "flask", "quart", "sanic", "aiohttp", "bottle", "typer", "click", "celery", "django", "falcon",
    "litestar", "robyn", "httpx", "requests", "responses", "respx", "pytest", "unittest",
    "builtins", "os", "re", "functools", "discord", "telegram", "aiogram", "slack_bolt",
    "tornado", "webtest",
}  # fmt: skip


def router_attribute(interpreter: Interpreter, router: Router, name: str) -> Value:
    """Return an attribute that FastAPI gives every router."""
    from .registration import METHODS

    if name == "dependencies":
        return router.dependencies
    if name == "routes":
        return RouteList(router)
    if name == "prefix":
        return Constant(router.prefix) if router.prefix is not None else Unknown("prefix")
    if name == "router":
        return router
    if name == "state":
        return router.attributes.setdefault("state", Instance(None))
    if name == "dependency_overrides":
        return Mapping({}, open_=True)
    run = METHODS.get(name)
    if run is None:
        return Unknown(f"attribute {name} of a router")
    return Native(name, lambda interpreter, args, site: run(interpreter, router, args, site))


def set_router_attribute(interpreter: Interpreter, router: Router, name: str, new: Value) -> bool:
    """Do `router.name = new` for the attributes that FastAPI reads."""
    if name == "dependencies":
        router.dependencies = (
            new if not interpreter.conditions else join([router.dependencies, new])
        )
        return True
    if name == "prefix":
        router.prefix = text(new)
        return True
    if name == "routes":
        extend_routes(interpreter, RouteList(router), new)
        return True
    return False


def assumed_router(interpreter: Interpreter, value: Value, site: Site) -> Router | None:
    """Take something unknown for a router, because it is used as one."""
    if isinstance(value, Router):
        return value
    if isinstance(value, External) and value.name.split(".")[0] in OTHER_LIBRARIES:
        return None
    holder = interpreter.assumed.get(id(value))
    if holder is None:
        router = Router(interpreter, "assumed", site)
        call = value if isinstance(value, ExternalCall) else None
        if isinstance(value, Instance):
            made = value.attributes.get("__external__")
            call = made if isinstance(made, ExternalCall) else None
        if call is not None:
            initialise(interpreter, router, call.arguments, site)
        holder = interpreter.assumed[id(value)] = value, router
    return holder[1]


def assumed_method(interpreter: Interpreter, value: Value, name: str) -> Value | None:
    """Return a router's method of something unknown; it counts only when it decorates."""
    from .registration import DECORATORS, METHODS

    run = METHODS.get(name)
    if run is None or (isinstance(value, External) and not isinstance(value, ExternalCall)):
        return None
    if isinstance(value, External) and value.name.split(".")[0] in OTHER_LIBRARIES:
        return None

    def method(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
        if name in DECORATORS:
            return _assumed_decorator(value, run, arguments, site)
        router = assumed_router(interpreter, value, site)
        if name == "include_router" and router is not None:
            return run(interpreter, router, arguments, site)
        return Unknown(f"what {name} returns")

    return Native(name, method)


def _assumed_decorator(value: Value, run: Method, arguments: Arguments, site: Site) -> Value:
    path = text(arguments.get("path", 0))

    def decorate(interpreter: Interpreter, inner: Arguments, inner_site: Site) -> Value:
        target = inner.positional[0] if inner.positional else Unknown("nothing")
        is_function = any(isinstance(one, Function) for one in options(target))
        router = assumed_router(interpreter, value, site) if is_function else None
        if router is not None and (path == "" or (path or "").startswith("/")):
            made = run(interpreter, router, arguments, site)
            interpreter.call(made, inner, inner_site)
        return target

    return Native("decorator", decorate)
