"""Methods of lists, dictionaries and text, as far as routers are put together with them."""

from __future__ import annotations

from .arguments import Arguments, Site
from .objects import Class, Native, lineage
from .operators import MAX_ITEMS, elements, item
from .texts import text_method
from .values import Constant, Mapping, Maybe, Sequence, Unknown, Value, join, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Interpreter


def method(interpreter: Interpreter, value: Value, name: str) -> Value:
    """Return a bound method of a container, of a list of routes or of text."""
    from .routers import RouteList, extend_routes

    if isinstance(value, RouteList):

        def add(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
            for given in arguments.positional[-1:]:
                one = given if name == "extend" else Sequence([given])
                extend_routes(interpreter, value, one)
            return Constant(None)

        adds = name in {"append", "insert", "extend"}
        return Native(name, add) if adds else Unknown(f"attribute {name}")
    if isinstance(value, Constant):
        return text_method(value, name)
    if isinstance(value, Sequence) and name in LIST_METHODS:
        of_list = LIST_METHODS[name]
        return Native(name, lambda interpreter, given, site: of_list(interpreter, value, given))
    if isinstance(value, Mapping) and name in DICT_METHODS:
        of_dict = DICT_METHODS[name]
        return Native(name, lambda interpreter, given, site: of_dict(interpreter, value, given))
    return Unknown(f"attribute {name}")


def added(interpreter: Interpreter, held: Sequence, value: Value) -> Value:
    """Return an element to add: only maybe there when a condition since the list decides it."""
    if len(interpreter.conditions) > held.depth:
        return Maybe(value, interpreter.conditions[-1])
    return value


def _append(interpreter: Interpreter, held: Sequence, arguments: Arguments) -> Value:
    for value in arguments.positional[-1:]:
        held.items.append(added(interpreter, held, value))
    return Constant(None)


def _insert(interpreter: Interpreter, held: Sequence, arguments: Arguments) -> Value:
    if len(arguments.positional) > 1:
        held.items.insert(0, added(interpreter, held, arguments.positional[1]))
    return Constant(None)


def _extend(interpreter: Interpreter, held: Sequence, arguments: Arguments) -> Value:
    for value in arguments.positional[:1]:
        grow(interpreter, held, value)
    return Constant(None)


def grow(interpreter: Interpreter, held: Value, value: Value) -> bool:
    """Do `held += value` in place; False when `held` is not a list."""
    from .routers import RouteList, extend_routes

    if isinstance(held, RouteList):
        extend_routes(interpreter, held, value)
        return True
    if not isinstance(held, Sequence) or held.kind == "tuple":
        return False
    items, known = elements(value)
    room = MAX_ITEMS - len(held.items)
    held.items += [added(interpreter, held, one) for one in items[:room]]
    held.open = held.open or not known or len(items) > room
    return True


def _shrink(interpreter: Interpreter, held: Sequence, arguments: Arguments) -> Value:
    """`pop`, `remove`, `clear`: what is left is not certain, so nothing in it counts."""
    gone = list(held.items)
    held.items[:] = [Maybe(one, (id(held), 0, 2)) for one in gone]
    return join(gone) if gone else Unknown("an element")


def _copy(interpreter: Interpreter, held: Sequence, arguments: Arguments) -> Value:
    depth = len(interpreter.conditions)
    return Sequence(list(held.items), held.kind, open_=held.open, depth=depth)


def _clear(interpreter: Interpreter, held: Sequence, arguments: Arguments) -> Value:
    held.items.clear()
    return Constant(None)


def _get(interpreter: Interpreter, held: Mapping, arguments: Arguments) -> Value:
    key = arguments.get("key", 0)
    default = arguments.get("default", 1) or Constant(None)
    if isinstance(key, Constant):
        if key.value in held.items:
            return item(held, key.value)
        return Unknown("an element") if held.open else default
    return join([*held.items.values(), default])


def _set_default(interpreter: Interpreter, held: Mapping, arguments: Arguments) -> Value:
    key = arguments.get("key", 0)
    value = arguments.get("default", 1) or Constant(None)
    if isinstance(key, Constant):
        if held.open and key.value not in held.items:
            value = join([value, Unknown("a keyword that may have been given")])
        return held.items.setdefault(key.value, value)
    return value


def _update(interpreter: Interpreter, held: Mapping, arguments: Arguments) -> Value:
    for value in arguments.positional:
        if isinstance(value, Mapping):
            held.items.update(value.items)
        held.open = held.open or not isinstance(value, Mapping) or value.open
    held.items.update(arguments.keywords)
    held.open = held.open or arguments.open
    return Constant(None)


def _pop(interpreter: Interpreter, held: Mapping, arguments: Arguments) -> Value:
    value = _get(interpreter, held, arguments)
    key = arguments.get("key", 0)
    if isinstance(key, Constant):
        held.items.pop(key.value, None)
    return value


def _items(interpreter: Interpreter, held: Mapping, arguments: Arguments) -> Value:
    keys, known = elements(held)
    pairs: list[Value] = [
        Sequence([key, value], "tuple")
        for key, value in zip(keys, held.items.values(), strict=True)
    ]
    return Sequence(pairs, open_=not known)


def put_item(held: Value, key: Value, value: Value) -> None:
    """Do `held[key] = value`."""
    for option in options(held):
        if isinstance(option, Mapping):
            option.items[key.value if isinstance(key, Constant) else key] = value
        elif isinstance(option, Sequence):
            option.items[:] = [Maybe(one, (id(option), 0, 2)) for one in option.items]
            option.items.append(value)


def delete_item(held: Value, key: Value) -> None:
    """Do `del held[key]`."""
    for option in options(held):
        if isinstance(option, Mapping) and isinstance(key, Constant):
            option.items.pop(key.value, None)
        elif isinstance(option, Sequence):
            option.items[:] = [Maybe(one, (id(option), 0, 2)) for one in option.items]


def subclasses(interpreter: Interpreter, cls: Class) -> Value:
    """Return `cls.__subclasses__`."""

    def run(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
        return Sequence([one for one in interpreter.classes if cls in list(lineage(one))[1:]])

    return Native("__subclasses__", run)


LIST_METHODS: dict[str, Callable[[Interpreter, Sequence, Arguments], Value]] = {
    "append": _append, "insert": _insert, "extend": _extend, "add": _append, "update": _extend,
    "pop": _shrink, "remove": _shrink, "clear": _clear, "copy": _copy,
}  # fmt: skip
DICT_METHODS: dict[str, Callable[[Interpreter, Mapping, Arguments], Value]] = {
    "get": _get, "setdefault": _set_default, "update": _update, "pop": _pop, "items": _items,
    "keys": lambda _, held, __: Sequence(elements(held)[0], open_=held.open),
    "values": lambda _, held, __: Sequence(list(held.items.values()), open_=held.open),
    "copy": lambda _, held, __: Mapping(dict(held.items), open_=held.open),
}  # fmt: skip
