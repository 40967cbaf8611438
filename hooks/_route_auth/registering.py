"""Putting a route on a router, with the dependencies that the router has at that moment."""

from __future__ import annotations

from .arguments import Arguments, Site
from .objects import Function
from .routers import Route, Router, snapshot, text
from .values import Constant, Sequence, Unknown, Value, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter


def method_names(value: Value | None) -> tuple[str, ...]:
    items = value.items if isinstance(value, Sequence) else []
    names = [one.value for one in items if isinstance(one, Constant)]
    return tuple(sorted(str(name).upper() for name in names)) or ("GET",)


def register(
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
        route.applied = tuple(
            function for function, given in interpreter.wrapping
            if any(isinstance(one, Function) for one in given.positional[:1])
        )  # fmt: skip
        route.dependencies = arguments.get("dependencies") or Constant(None)
        if arguments.open and "dependencies" not in arguments.keywords:
            route.unknown = "its arguments are not known"
        if kind != "starlette":
            route.inherited = snapshot(interpreter, router.dependencies)
        router.routes.append(route)
