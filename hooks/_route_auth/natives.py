"""External functions whose result matters: Depends, partial, wraps, getattr, zip, ..."""

from __future__ import annotations

from .arguments import Arguments, Site
from .builtin_functions import STANDARD
from .markers import Depends, Public
from .names import canonical
from .objects import Bound, Class, Function, Native, Partial
from .routers import KINDS, RouteObject, Router, initialise
from .values import Constant, External, ExternalCall, Union, Unknown, Value, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .iteration import Meaning


ROUTE_OBJECTS = {
    "starlette.routing.Route": "starlette", "starlette.routing.WebSocketRoute": "starlette-socket",
    "starlette.routing.Mount": "mount", "starlette.routing.Host": "host",
    "fastapi.routing.APIRoute": "http", "fastapi.routing.APIWebSocketRoute": "websocket",
}  # fmt: skip


def call_external(
    interpreter: Interpreter, function: External, arguments: Arguments, site: Site
) -> Value:
    """Return what calling a name from outside the program gives."""
    name = canonical(function.name)
    if name in KINDS and not isinstance(function, ExternalCall):
        router = Router(interpreter, KINDS[name], site)
        initialise(interpreter, router, arguments, site)
        return router
    if name in ROUTE_OBJECTS:
        return RouteObject(ROUTE_OBJECTS[name], arguments, site)
    known = FUNCTIONS.get(name)
    if known is not None and not isinstance(function, ExternalCall):
        return known(interpreter, arguments, site)
    if name in interpreter.public_names:
        reason = arguments.get("reason", 0)
        return Public(site, has_reason=reason is not None)
    call = "()" if isinstance(function, ExternalCall) else ""
    return ExternalCall(name + call, arguments, site)


def decorate_external(
    interpreter: Interpreter, by: Value, value: Value, site: Site
) -> Value | None:
    """Return what an external decorator makes of a value; None for one of the program."""
    if not isinstance(by, External):
        return None
    if isinstance(value, Class):
        mark_view(by, value)
        value.is_data = value.is_data or by.name.split(".")[0] in {"dataclasses", "attr", "attrs"}
        return value
    if by.name in {"functools.wraps", "functools.partial"} or by.name in interpreter.public_names:
        return None
    if by.name.startswith("builtins.") and isinstance(value, Function):
        value.binding = by.name.removeprefix("builtins.")
        return value
    return value.decorated(by) if isinstance(value, Function) else value


def mark_view(by: Value, cls: Class) -> bool:
    """Note that a decorator makes a class a view: its attributes are dependencies of its routes.

    fastapi-utils calls it `cbv`; a copy of it in the program is known by the signature it sets.
    """
    if isinstance(by, External):
        cls.is_view = cls.is_view or by.name.removesuffix("()").endswith("cbv")
    for one in (by, *by.makers):
        function = one.function if isinstance(one, Bound) else one
        if isinstance(function, Function) and function.scope.module.sets_signatures():
            cls.is_view = True
    return cls.is_view


def _depends(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    target = arguments.get("dependency", 0)
    if target is None and arguments.open:
        target = Unknown("arguments that are not known")
    if isinstance(target, Constant) and target.value is None:
        target = None
    if isinstance(target, Union):
        return join([Depends(option, site) for option in target.options])
    return Depends(target, site)


def _partial(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    if not arguments.positional:
        return Unknown("partial of nothing")
    inner = Arguments(arguments.positional[1:], arguments.keywords, open_=arguments.open)
    return Partial(arguments.positional[0], inner)


def _wraps(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    wrapped = arguments.get("wrapped", 0)

    def decorate(interpreter: Interpreter, given: Arguments, _: Site) -> Value:
        return _wrapped(given.positional[0], wrapped) if given.positional else Unknown("nothing")

    return Native("wraps", decorate)


def _wrapped(wrapper: Value, wrapped: Value | None) -> Value:
    """Make a wrapper show the signature of what it wraps, and its public mark."""
    if isinstance(wrapper, Function) and wrapped is not None:
        wrapper.wrapped = wrapped
        inner = wrapped.function if isinstance(wrapped, Bound) else wrapped
        wrapper.public = inner.public
        if isinstance(inner, Function):
            wrapper.signature = inner.signature
    return wrapper


def _update_wrapper(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    wrapper = arguments.get("wrapper", 0) or Unknown("nothing")
    return _wrapped(wrapper, arguments.get("wrapped", 1))


FUNCTIONS: dict[str, Meaning] = {
    **STANDARD,
    "fastapi.Depends": _depends,
    "fastapi.Security": _depends,
    "functools.partial": _partial,
    "functools.partialmethod": _partial,
    "functools.wraps": _wraps,
    "functools.update_wrapper": _update_wrapper,
}
