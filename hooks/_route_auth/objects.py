"""Functions, classes and objects of the interpreted program."""

from __future__ import annotations

from . import syntax as ast
from .values import External, Lazy, Value, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .arguments import Arguments, Site
    from .interpreter import Interpreter
    from .scope import Scope

    NativeCall = Callable[[Interpreter, Arguments, Site], Value]


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

    def fill(self, cls: Class, arguments: Arguments) -> None:
        """Fill the fields of a dataclass or model from the arguments of its constructor."""
        for index, (name, _) in enumerate(cls.fields):
            value = arguments.get(name, index)
            if value is not None:
                self.attributes[name] = value
        for name, value in arguments.keywords.items():
            self.attributes.setdefault(name, value)


class Partial(Value):
    """`functools.partial(function, ...)`."""

    __slots__ = ("arguments", "function")

    def __init__(self, function: Value, arguments: Arguments) -> None:
        super().__init__()
        self.function = function
        self.arguments = arguments


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


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


def class_member(cls: Value, name: str, after: Class | None = None) -> Value | None:
    """Find a name in a class and its bases, or in those after one of them."""
    waiting = after is not None
    for base in lineage(cls):
        if waiting:
            waiting = base is not after
        elif isinstance(base, Class) and name in base.namespace:
            found = base.namespace[name]
            return found.force() if isinstance(found, Lazy) else found
    return None


def external_base(cls: Value) -> External | None:
    """Return the first base of a class that is not the program's, `object` aside."""
    for base in lineage(cls):
        plain = ("typing.", "abc.", "builtins.object")
        if isinstance(base, External) and not base.name.startswith(plain):
            return base
    return None


def innermost(handler: Value) -> Value:
    """Return the function inside all its wrappers."""
    function = handler.function if isinstance(handler, Bound) else handler
    while isinstance(function, Function) and function.wrapped is not None:
        function = function.wrapped
    return function.origin if isinstance(function, Function) else function
