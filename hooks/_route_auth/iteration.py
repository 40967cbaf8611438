"""Functions that make or walk sequences."""

from __future__ import annotations

from .arguments import Arguments, Site
from .operators import elements
from .values import Constant, Mapping, Maybe, Sequence, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Interpreter

    Meaning = Callable[[Interpreter, Arguments, Site], Value]


MAX_RANGE = 400  # elements of a range that are followed


def _copy(kind: str) -> Meaning:
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


def _len(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    items, known = elements(arguments.positional[0]) if arguments.positional else ([], False)
    if known and not any(isinstance(one, Maybe) for one in items):
        return Constant(len(items))
    return Unknown("a length")


def _range(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    given = [one.value if isinstance(one, Constant) else None for one in arguments.positional]
    numbers = [one for one in given if isinstance(one, int)]
    if len(numbers) != len(given) or not 1 <= len(numbers) <= 3 or numbers[2:] == [0]:
        return Unknown("range")
    return Sequence([Constant(one) for one in slice_of(*numbers)[:MAX_RANGE]])


def slice_of(first: int, last: int | None = None, step: int = 1) -> range:
    """Return the range of one, two or three numbers."""
    return range(first) if last is None else range(first, last, step)


ITERATION: dict[str, Meaning] = {
    "builtins.list": _copy("list"),
    "builtins.tuple": _copy("tuple"),
    "builtins.set": _copy("set"),
    "builtins.sorted": _copy("list"),
    "builtins.reversed": _copy("list"),
    "builtins.iter": _copy("list"),
    "builtins.dict": _dict,
    "builtins.zip": _zip,
    "builtins.enumerate": _enumerate,
    "builtins.map": _map,
    "builtins.next": _next,
    "builtins.range": _range,
    "builtins.len": _len,
    "itertools.chain": _chain,
}
