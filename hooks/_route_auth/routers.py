"""Routers and apps: what they hold, and what each of their methods registers."""

from __future__ import annotations

from .arguments import Arguments, Site
from .objects import Class, Instance, lineage
from .values import (
    Constant,
    External,
    Maybe,
    Sequence,
    Union,
    Unknown,
    Value,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter

KINDS = {
    "fastapi.FastAPI": "app", "fastapi.APIRouter": "router", "starlette.Starlette": "starlette",
    "starlette.routing.Router": "starlette",
}  # fmt: skip
VERBS = ("get", "post", "put", "delete", "patch", "options", "head", "trace")


class Route:
    """One registration on a router."""

    __slots__ = (
        "applied", "dependencies", "handler", "inherited", "kind", "methods", "path", "site",
        "unknown",
    )  # fmt: skip

    def __init__(self, kind: str, path: str | None, handler: Value, site: Site) -> None:
        self.kind = kind  # http, websocket, frontend, starlette, mount, host
        self.path = path
        self.handler = handler
        self.site = site
        self.methods: tuple[str, ...] = ()
        self.applied: tuple[Value, ...] = ()  # the program's decorators that registered it
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
        self.kind = (
            "include"  # or mount: nothing above it applies; or routes: taken over as they are
        )


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


def initialise(interpreter: Interpreter, router: Router, arguments: Arguments, site: Site) -> Value:
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
    from .including import add_object, include_edge
    from .operators import elements

    if isinstance(value, RouteList):
        edge = include_edge(held.router, value.router, value.router.site)
        edge.kind = "routes"
        return
    items, known = elements(value)
    for one in items:
        add_object(interpreter, held.router, one.value if isinstance(one, Maybe) else one, None)
    if not known and not items:
        interpreter.problem("AUTH002", held.router.site, "its routes come from a list not known")
