"""Routers and apps: what they hold, and what each of their methods registers."""

from __future__ import annotations

from .values import (
    Arguments, Class, Constant, External, ExternalCall, Function, Instance, Mapping, Maybe,
    Native,
    Sequence, Site, Union, Unknown, Value, join, lineage, options,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter

KINDS = {
    "fastapi.FastAPI": "app", "fastapi.APIRouter": "router", "starlette.Starlette": "starlette",
    "starlette.routing.Router": "starlette",
}  # fmt: skip
VERBS = ("get", "post", "put", "delete", "patch", "options", "head", "trace")
# Libraries with decorators of the same names, whose routes are not FastAPI's.
OTHER_LIBRARIES = {
    "flask", "quart", "sanic", "aiohttp", "bottle", "typer", "click", "celery", "django", "falcon",
    "litestar", "robyn", "httpx", "requests", "responses", "respx", "pytest", "unittest", "builtins",
    "os", "re", "functools", "discord", "telegram", "aiogram", "slack_bolt", "tornado", "webtest",
}  # fmt: skip


class Route:
    """One registration on a router."""

    __slots__ = ("dependencies", "handler", "inherited", "kind", "methods", "path", "site", "unknown")

    def __init__(self, kind: str, path: str | None, handler: Value, site: Site) -> None:
        self.kind = kind  # http, websocket, frontend, starlette, mount, host
        self.path = path
        self.handler = handler
        self.site = site
        self.methods: tuple[str, ...] = ()
        self.dependencies: Value = Constant(None)
        self.inherited: Value = Constant(None)  # the router's, at the time of registration
        self.unknown = ""


class Include:
    """One edge from a router to a router that it includes or mounts."""

    __slots__ = ("child", "dependencies", "inherited", "kind", "parent", "prefix", "site")

    def __init__(self, parent: Router, child: Router, site: Site) -> None:
        self.parent = parent
        self.child = child
        self.site = site
        self.prefix: str | None = ""
        self.dependencies: Value = Constant(None)
        self.inherited: Value = Constant(None)
        self.kind = "include"  # or mount: nothing above it applies; or routes: taken over as they are


class Router(Instance):
    """A FastAPI app, an APIRouter, or something that is used as one."""

    __slots__ = ("dependencies", "included_in", "kind", "prefix", "routes", "site")

    def __init__(
        self, interpreter: Interpreter, kind: str, site: Site, cls: Class | None = None
    ) -> None:
        super().__init__(cls)
        self.kind = kind  # app, router, starlette, or assumed
        self.site = site
        self.prefix: str | None = ""
        self.dependencies: Value = Sequence([], depth=len(interpreter.conditions))
        self.routes: list[Route] = []
        self.included_in: list[Include] = []
        interpreter.routers.append(self)


class RouteList(Value):
    """`router.routes`."""

    __slots__ = ("router",)

    def __init__(self, router: Router) -> None:
        super().__init__()
        self.router = router


class RouteObject(Value):
    """`Route(...)`, `APIRoute(...)`, `Mount(...)`: a route before it is on a router."""

    __slots__ = ("arguments", "name", "site")

    def __init__(self, name: str, arguments: Arguments, site: Site) -> None:
        super().__init__()
        self.name = name
        self.arguments = arguments
        self.site = site


def router_kind(cls: Class) -> str | None:
    """Return what kind of router a class makes, or None."""
    for base in lineage(cls):
        if isinstance(base, External) and base.name in KINDS:
            return KINDS[base.name]
    return None


def initialise(
    interpreter: Interpreter, router: Router, arguments: Arguments, site: Site
) -> Value:
    """Do what `APIRouter.__init__` or `FastAPI.__init__` does with its arguments."""
    router.prefix = text(arguments.get("prefix")) if "prefix" in arguments.keywords else ""
    given = arguments.get("dependencies")
    if given is None and arguments.open:
        given = Unknown("arguments that are not known")
    if given is not None:
        router.dependencies = snapshot(interpreter, given)
    routes = arguments.get("routes", 1 if router.kind == "starlette" else None)
    if routes is not None:
        extend_routes(interpreter, RouteList(router), routes)
    lifespan = arguments.get("lifespan")
    if lifespan is not None:
        interpreter.later.append((lifespan, Arguments([router]), site))
    return Constant(None)


def snapshot(interpreter: Interpreter, value: Value) -> Value:
    """Copy a list of dependencies, as FastAPI does when it takes one."""
    if isinstance(value, Sequence):
        depth = len(interpreter.conditions)
        return Sequence(list(value.items), open_=value.open, depth=depth)
    if isinstance(value, Constant):
        return Sequence([], depth=len(interpreter.conditions))
    if isinstance(value, Union):
        return Union([snapshot(interpreter, option) for option in value.options])
    return value


def text(value: Value | None) -> str | None:
    """Return a literal text, or None when it is not known."""
    if isinstance(value, Constant) and isinstance(value.value, str):
        return value.value
    return None


def extend_routes(interpreter: Interpreter, held: RouteList, value: Value) -> None:
    """Do `router.routes.extend(value)`."""
    from .operators import elements
    from .registration import add_object, include_edge

    if isinstance(value, RouteList):
        edge = include_edge(held.router, value.router, value.router.site)
        edge.kind = "routes"
        return
    items, known = elements(value)
    for one in items:
        add_object(interpreter, held.router, one.value if isinstance(one, Maybe) else one, None)
    if not known and not items:
        interpreter.problem("AUTH002", held.router.site, "its routes come from a list not known")


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
        router.dependencies = new if not interpreter.conditions else join(
            [router.dependencies, new]
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


def _assumed_decorator(value: Value, run: object, arguments: Arguments, site: Site) -> Value:
    path = text(arguments.get("path", 0))

    def decorate(interpreter: Interpreter, inner: Arguments, inner_site: Site) -> Value:
        target = inner.positional[0] if inner.positional else Unknown("nothing")
        is_function = any(isinstance(one, Function) for one in options(target))
        router = assumed_router(interpreter, value, site) if is_function else None
        if router is not None and (path == "" or (path or "").startswith("/")):
            made = run(interpreter, router, arguments, site)  # type: ignore[operator]
            interpreter.call(made, inner, inner_site)
        return target

    return Native("decorator", decorate)

