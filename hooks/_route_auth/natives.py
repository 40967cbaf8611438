"""External functions whose result matters: Depends, partial, wraps, getattr, zip, ..."""

from __future__ import annotations

from .names import canonical
from .operators import elements, truth
from .routers import KINDS, RouteObject, Router, initialise
from .values import (
    Arguments, Bound, Class, Constant, Depends, External, ExternalCall, Function,
    Instance, Mapping, Maybe, ModuleValue, Native, Partial, Public, Sequence, Site, Union, Unknown, Value,
    join, lineage,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Interpreter

    External_ = Callable[[Interpreter, Arguments, Site], Value]

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


def _getattr(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    target, name = arguments.get("object", 0), arguments.get("name", 1)
    if target is None or not isinstance(name, Constant):
        default = arguments.get("default", 2)
        unknown = Unknown("an attribute whose name is not known")
        if isinstance(target, Router):
            interpreter.unknown_methods.append((target, site))
        return join([unknown, default]) if default is not None else unknown
    found = interpreter.attribute(target, str(name.value))
    default = arguments.get("default", 2)
    if default is not None and isinstance(found, Unknown):
        return default if isinstance(target, Class | Instance) else join([found, default])
    return found


def _setattr(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    from .attributes import put

    if len(arguments.positional) == 3 and isinstance(arguments.positional[1], Constant):
        target, name, value = arguments.positional
        put(interpreter, target, str(name.value), value)  # type: ignore[attr-defined]
    return Constant(None)


def _hasattr(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    found = _getattr(interpreter, arguments, site)
    return Unknown("hasattr") if isinstance(found, Unknown) else Constant(True)


def _copy(kind: str) -> External_:
    def run(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
        depth = len(interpreter.conditions)
        if not arguments.positional:
            return Sequence([], kind, depth=depth)
        items, known = elements(arguments.positional[0])
        return Sequence(items, kind, open_=not known, depth=depth)

    return run


def _dict(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    result = Mapping({}, open_=arguments.open)
    for one in arguments.positional[:1]:
        if isinstance(one, Mapping):
            result.items.update(one.items)
        result.open = result.open or not isinstance(one, Mapping) or one.open
    result.items.update(arguments.keywords)
    return result


def _zip(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    columns = [elements(one) for one in arguments.positional]
    rows = zip(*[items for items, _ in columns], strict=False)
    known = all(one for _, one in columns)
    return Sequence([Sequence(list(row), "tuple") for row in rows], open_=not known)


def _enumerate(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    items, known = elements(arguments.positional[0]) if arguments.positional else ([], False)
    pairs: list[Value] = [
        Sequence([Constant(index), one], "tuple") for index, one in enumerate(items)
    ]
    return Sequence(pairs, open_=not known)


def _first(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    return arguments.positional[0] if arguments.positional else Unknown("nothing")


def _second(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    return arguments.positional[1] if len(arguments.positional) > 1 else Unknown("nothing")


def _chain(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    parts = [elements(one) for one in arguments.positional]
    items = [item for held, _ in parts for item in held]
    known = all(one for _, one in parts) and not arguments.open
    return Sequence(items, open_=not known, depth=len(interpreter.conditions))


def _map(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    if len(arguments.positional) < 2:
        return Unknown("map")
    function, items = arguments.positional[0], elements(arguments.positional[1])
    made = [interpreter.call(function, Arguments([item]), site) for item in items[0]]
    return Sequence(made, open_=not items[1], depth=len(interpreter.conditions))


def _next(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    items, _ = elements(arguments.positional[0]) if arguments.positional else ([], False)
    return items[0] if items else Unknown("next")


def _bool(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    known = truth(arguments.positional[0]) if arguments.positional else False
    return Unknown("a truth") if known is None else Constant(known)


def _import_module(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    name = arguments.get("name", 0)
    if not isinstance(name, Constant) or not isinstance(name.value, str):
        return Unknown("a module whose name is not known")
    dotted = name.value
    if dotted.startswith("."):
        level = len(dotted) - len(dotted.lstrip("."))
        module = interpreter.sources.relative(site.module, level, dotted[level:])
    else:
        module = interpreter.sources.resolve(dotted, site.module)
    return ModuleValue(module) if module is not None else interpreter.external(dotted)


def _isinstance(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    if len(arguments.positional) < 2:
        return Unknown("isinstance")
    value, wanted = arguments.positional[:2]
    kinds = wanted.items if isinstance(wanted, Sequence) else [wanted]
    answers = {_is_a(value, kind) for kind in kinds}
    if True in answers:
        return Constant(True)
    return Constant(False) if answers == {False} else Unknown("isinstance")


def _is_a(value: Value, kind: Value) -> bool | None:
    """Say whether a value is of a class, or None when that is not known."""
    if isinstance(value, Router) and value.cls is None and isinstance(kind, External):
        return KINDS[kind.name] == value.kind if kind.name in KINDS else None
    if isinstance(value, Instance) and isinstance(kind, Class) and value.cls is not None:
        return True if kind in lineage(value.cls) else None
    if not isinstance(kind, External):
        return None
    if isinstance(value, Sequence):
        return kind.name == f"builtins.{value.kind}"
    if isinstance(value, Mapping):
        return kind.name == "builtins.dict"
    if isinstance(value, Constant):
        return kind.name == f"builtins.{type(value.value).__name__}"
    if isinstance(value, Depends) and kind.name.startswith("builtins."):
        return False
    return True if isinstance(value, Depends) and kind.name == "fastapi.Depends" else None


def _len(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    items, known = elements(arguments.positional[0]) if arguments.positional else ([], False)
    if known and not any(isinstance(one, Maybe) for one in items):
        return Constant(len(items))
    return Unknown("a length")


def _range(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    numbers = [one.value for one in arguments.positional if isinstance(one, Constant)]
    if len(numbers) != len(arguments.positional) or not all(isinstance(n, int) for n in numbers):
        return Unknown("range")
    try:
        return Sequence([Constant(n) for n in list(range(*numbers)[:400])])  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return Unknown("range")


def _type_alias(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    return arguments.get("value", 1) or Unknown("a type")


def _type(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    value = arguments.positional[0] if len(arguments.positional) == 1 else None
    cls = getattr(value, "cls", None)
    return cls if isinstance(cls, Class) else Unknown("a type")


FUNCTIONS: dict[str, External_] = {
    "fastapi.Depends": _depends, "fastapi.Security": _depends, "functools.partial": _partial,
    "functools.partialmethod": _partial, "functools.wraps": _wraps,
    "functools.update_wrapper": _update_wrapper, "builtins.getattr": _getattr,
    "builtins.setattr": _setattr, "builtins.hasattr": _hasattr, "builtins.list": _copy("list"),
    "builtins.tuple": _copy("tuple"), "builtins.set": _copy("set"),
    "builtins.sorted": _copy("list"), "builtins.reversed": _copy("list"),
    "builtins.iter": _copy("list"), "builtins.dict": _dict, "builtins.zip": _zip,
    "builtins.enumerate": _enumerate, "builtins.map": _map, "builtins.next": _next,
    "builtins.bool": _bool, "builtins.isinstance": _isinstance, "builtins.range": _range,
    "builtins.type": _type, "builtins.len": _len, "builtins.staticmethod": _first, "typing.cast": _second,
    "typing.TypeAliasType": _type_alias, "typing_extensions.TypeAliasType": _type_alias,
    "itertools.chain": _chain, "importlib.import_module": _import_module,
    "builtins.__import__": _import_module, "asyncio.run": _first, "copy.copy": _first,
    "copy.deepcopy": _first, "inspect.unwrap": _first,
}  # fmt: skip