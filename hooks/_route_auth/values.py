"""What a Python expression can stand for while the program is interpreted without running it."""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .interpreter import Interpreter
    from .scope import Scope
    from .sources import Module

    NativeCall = Callable[["Interpreter", "Arguments", "Site"], "Value"]

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


class Function(Value):
    """A function of the program, in the scope that defined it."""

    __slots__ = (
        "annotations", "applied", "binding", "cls", "defaults", "name", "node", "origin", "scope",
        "signature", "wrapped",
    )  # fmt: skip

    def __init__(self, node: FunctionNode, scope: Scope, defaults: list[Value | None]) -> None:
        super().__init__()
        self.node = node
        self.name = getattr(node, "name", "<lambda>")
        self.scope = scope
        self.defaults = defaults
        self.cls: Class | None = None
        self.wrapped: Value | None = None
        self.applied: tuple[Value, ...] = ()
        self.origin: Function = self
        self.signature = ""  # "unknown" when an unknown decorator may have replaced it
        self.binding = ""  # staticmethod, classmethod or property
        self.annotations: dict[str, Value] = {}  # those evaluated when it was defined

    def decorated(self, by: Value) -> Function:
        """Return a copy that remembers one more decorator around the same function."""
        copy = Function(self.node, self.scope, self.defaults)
        copy.cls, copy.wrapped, copy.public = self.cls, self.wrapped, self.public
        copy.origin, copy.signature = self.origin, self.signature
        copy.binding, copy.annotations = self.binding, self.annotations
        copy.applied = (*self.applied, by)
        return copy


class Bound(Value):
    """A method bound to its object."""

    __slots__ = ("function", "receiver")

    def __init__(self, function: Function, receiver: Value) -> None:
        super().__init__()
        self.function = function
        self.receiver = receiver


class Native(Value):
    """A method whose meaning the checker knows."""

    __slots__ = ("name", "run")

    def __init__(self, name: str, run: NativeCall) -> None:
        super().__init__()
        self.name = name
        self.run = run


class Class(Value):
    """A class of the program."""

    __slots__ = ("bases", "fields", "is_data", "is_view", "name", "namespace", "node", "scope")

    def __init__(self, node: ast.ClassDef, bases: list[Value], scope: Scope) -> None:
        super().__init__()
        self.node = node
        self.name = node.name
        self.bases = bases
        self.scope = scope
        self.namespace: dict[str, Value] = {}
        self.fields: list[tuple[str, ast.expr]] = []
        self.is_data = False  # a dataclass: its fields are its constructor's parameters
        self.is_view = False  # a class-based view: its attributes are dependencies of its routes


class Instance(Value):
    """An object of a class of the program, or a bare name space such as `app.state`."""

    __slots__ = ("attributes", "cls")

    def __init__(self, cls: Class | None) -> None:
        super().__init__()
        self.cls = cls
        self.attributes: dict[str, Value] = {}


class Depends(Value):
    """`Depends(target)` or `Security(target)`; no target means the annotated type."""

    __slots__ = ("site", "target")

    def __init__(self, target: Value | None, site: Site) -> None:
        super().__init__()
        self.target = target
        self.site = site


class Annotated(Value):
    """`Annotated[base, *metadata]`."""

    __slots__ = ("base", "metadata")

    def __init__(self, base: Value, metadata: list[Value]) -> None:
        super().__init__()
        self.base = base
        self.metadata = metadata


class Partial(Value):
    """`functools.partial(function, ...)`."""

    __slots__ = ("arguments", "function")

    def __init__(self, function: Value, arguments: Arguments) -> None:
        super().__init__()
        self.function = function
        self.arguments = arguments


class Public(Value):
    """The marker made by a configured `public(reason=...)`, and whether it gave a reason."""

    __slots__ = ("has_reason", "site", "used")

    def __init__(self, site: Site, *, has_reason: bool) -> None:
        super().__init__()
        self.site = site
        self.has_reason = has_reason
        self.used = False


class Arguments:
    """The arguments of one call; `open` when unknown ones were spread into it."""

    __slots__ = ("keywords", "open", "positional")

    def __init__(
        self,
        positional: list[Value] | None = None,
        keywords: dict[str, Value] | None = None,
        *,
        open_: bool = False,
    ) -> None:
        self.positional = positional or []
        self.keywords = keywords or {}
        self.open = open_

    def get(self, name: str, position: int | None = None) -> Value | None:
        """Return the argument by its name or position, or None when it was not given."""
        if name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None

    def is_lenient(self) -> bool:
        """Say whether they ask an authentication factory to let anonymous requests through."""
        words = {"auto_error": False, "required": False, "optional": True}
        given = [(one, self.keywords.get(name)) for name, one in words.items()]
        return any(isinstance(value, Constant) and value.value is one for one, value in given)

    def extended(self, positional: list[Value], keywords: dict[str, Value]) -> Arguments:
        """Return these arguments followed by others, as `functools.partial` joins them."""
        return Arguments(
            [*self.positional, *positional], {**self.keywords, **keywords}, open_=self.open
        )


class Site:
    """A place in the program: the node that does something, and the module it stands in."""

    __slots__ = ("module", "node")

    def __init__(self, module: Module, node: ast.AST) -> None:
        self.module = module
        self.node = node

    @property
    def line(self) -> int:
        """The first line, counted from 1."""
        return getattr(self.node, "lineno", 1)

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes two sites the same."""
        return self.module.path, self.line, getattr(self.node, "col_offset", 0)

    def __str__(self) -> str:
        return f"{self.module.display}:{self.line}"


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


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


def lineage(value: Value) -> Iterator[Value]:
    """Yield a class and its bases, nearest first (depth first, without repeats)."""
    seen: list[Value] = []
    waiting = [value]
    while waiting:
        item = waiting.pop(0)
        if item in seen:
            continue
        seen.append(item)
        yield item
        if isinstance(item, Class):
            waiting = [base for one in item.bases for base in options(one)] + waiting


NONE = Constant(None)
