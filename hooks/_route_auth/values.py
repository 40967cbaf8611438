"""What a Python expression can stand for while the program is interpreted without running it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .arguments import Arguments, Site
    from .markers import Public
    from .modules import Module

MAX_OPTIONS = 24  # a union wider than this is no longer worth following, and becomes unknown


class Value:
    """One abstract value; `makers` are the program's functions that returned it."""

    __slots__ = ("lenient", "makers", "public")

    def __init__(self) -> None:
        self.makers: tuple[Value, ...] = ()
        self.lenient: tuple[Value, ...] = ()  # those told to let anonymous requests through
        self.public: Public | None = None


class Unknown(Value):
    """A value the interpreter cannot know, and why."""

    __slots__ = ("why",)

    def __init__(self, why: str = "unknown") -> None:
        super().__init__()
        self.why = why


class Constant(Value):
    """A literal: text, number, truth value or None."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class Default(Constant):
    """The default of a setting: a run may replace it, so that it decides no condition."""

    __slots__ = ()


class Sequence(Value):
    """A list, tuple, set or generator; `open` when it may hold elements that are not known."""

    __slots__ = ("depth", "items", "kind", "open")

    def __init__(
        self, items: list[Value], kind: str = "list", *, open_: bool = False, depth: int = 0
    ) -> None:
        super().__init__()
        self.items = items
        self.kind = kind
        self.open = open_
        self.depth = depth


class Mapping(Value):
    """A dictionary with constant keys; `open` when it may hold more."""

    __slots__ = ("items", "open")

    def __init__(self, items: dict[object, Value], *, open_: bool = False) -> None:
        super().__init__()
        self.items = items
        self.open = open_


class Union(Value):
    """One of several values, depending on a condition that only a run decides."""

    __slots__ = ("options",)

    def __init__(self, options: list[Value]) -> None:
        super().__init__()
        self.options = options


class Maybe(Value):
    """A list element that is there on one arm of a condition only."""

    __slots__ = ("condition", "value")

    def __init__(self, value: Value, condition: tuple[int, int, int]) -> None:
        super().__init__()
        self.value = value
        self.condition = condition


class External(Value):
    """A name from outside the program, by its dotted path."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class ExternalCall(External):
    """What calling an external name returned."""

    __slots__ = ("arguments", "router", "site")

    def __init__(self, name: str, arguments: Arguments, site: Site) -> None:
        super().__init__(name)
        self.arguments = arguments
        self.site = site
        self.router: Value | None = None


class Lazy(Value):
    """A name of a module that has not run yet, looked up when it is used."""

    __slots__ = ("find", "found", "module", "name")

    def __init__(self, find: Callable[[], Value], module: Module, name: str) -> None:
        super().__init__()
        self.find = find
        self.module = module
        self.name = name
        self.found: Value | None = None

    def is_plain_class(self) -> bool:
        """Say, without running the module, that the name is a class: no dependency by itself."""
        if self.found is not None or self.module.scope is not None:
            return False
        start = b"\nclass " + self.name.encode()
        return any(start + end in self.module.source for end in (b"(", b":"))

    def force(self) -> Value:
        """Return the value itself."""
        if self.found is None:
            self.found = Unknown("an import that leads back to itself")
            self.found = self.find()
        return self.found


class ModuleValue(Value):
    """A module of the program."""

    __slots__ = ("module",)

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.module = module


def options(value: Value) -> list[Value]:
    """Return every value that this one may be."""
    return value.options if isinstance(value, Union) else [value]


def join(values: list[Value]) -> Value:
    """Return one value that stands for any of these."""
    found: list[Value] = []
    for value in values:
        for option in options(value.force() if isinstance(value, Lazy) else value):
            if not any(same(option, other) for other in found):
                found.append(option)
    if len(found) > MAX_OPTIONS:
        return Unknown("more alternatives than can be followed")
    return found[0] if len(found) == 1 else Union(found)


def same(one: Value, other: Value) -> bool:
    """Say whether two values are certainly the same."""
    if isinstance(one, Constant) and isinstance(other, Constant):
        return one.value is other.value or (
            type(one.value) is type(other.value) and one.value == other.value
        )
    if type(one) is External and type(other) is External:
        return one.name == other.name
    return one is other


NONE = Constant(None)
