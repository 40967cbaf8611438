"""How strongly a dependency, a decorator or a handler protects a route."""

from __future__ import annotations

from .bodies import authenticates
from .callables import class_dependencies, dependencies
from .markers import Annotated, Depends
from .objects import Bound, Class, Function, Instance, Partial, lineage
from .strength import NO, OPTIONAL, REQUIRED, UNKNOWN, Names, Strength, strongest, weakest
from .values import External, ExternalCall, Lazy, Maybe, Sequence, Union, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .interpreter import Interpreter


class Judge:
    """Knows the configured names and answers for every value how strongly it protects."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.auth = Names()
        self.optional = Names()
        self.wrappers = Names()
        self.known: dict[int, tuple[Value, Strength]] = {}
        self.bodies: dict[int, tuple[Value, bool]] = {}
        self.visiting: list[Value] = []

    def of(self, value: Value) -> Strength:
        """Return the strength of a dependency, or of a list of them."""
        if isinstance(value, Lazy):
            value = value.force()
        if isinstance(value, Sequence):
            found = strongest(self._elements(value.items))
            if value.open and found.level < UNKNOWN:
                return Strength(UNKNOWN, "a list of dependencies that is not known")
            return found
        if isinstance(value, Union):
            return weakest(self.of(option) for option in value.options)
        if isinstance(value, Depends):
            return self.target(value.target) if value.target is not None else NO
        if isinstance(value, Unknown):
            return Strength(UNKNOWN, value.why)
        if isinstance(value, External) and any(self.auth.holds(one) for one in self.faces(value)):
            return Strength(REQUIRED, value.name)
        return NO

    def _elements(self, items: list[Value]) -> Iterator[Strength]:
        """Strengths of list elements; one on an arm of a condition counts if every arm has one."""
        arms: dict[tuple[int, int], dict[int, Strength]] = {}
        for item in items:
            if not isinstance(item, Maybe):
                yield self.of(item)
                continue
            identity, arm, count = item.condition
            held = arms.setdefault((identity, count), {})
            held[arm] = strongest([held.get(arm, NO), self.of(item.value)])
        for (_, count), held in arms.items():
            if len(held) == count:
                yield weakest(held.values())

    def target(self, value: Value) -> Strength:
        """Return the strength of what a Depends names, its own dependencies included."""
        if isinstance(value, Lazy):
            value = value.force()
        if isinstance(value, Union):
            return weakest(self.target(option) for option in value.options)
        if isinstance(value, Unknown):
            return Strength(UNKNOWN, value.why)
        if any(value is one for one in self.visiting):
            return NO
        known = self.known.get(id(value))
        if known is None:
            self.visiting.append(value)
            known = self.known[id(value)] = value, self._judge(value)
            self.visiting.pop()
        return known[1]

    def _judge(self, value: Value) -> Strength:
        name = describe(value)
        named = [value, *(one.origin for one in _functions(value))]
        optional = any(self.optional.holds(one) for one in named)
        # A value that is named itself counts before the class or factory that it came from.
        faces = named if optional else self.faces(value)
        if any(self.auth.holds(face) for face in faces):
            return Strength(OPTIONAL if lets_through(value) else REQUIRED, name)
        if isinstance(value, Annotated):
            return NO
        inner = strongest(self.of(one) for one in dependencies(self.interpreter, value))
        if inner.level == REQUIRED:
            return Strength(REQUIRED, f"{name} → {inner.by}")
        if not optional and authenticates(self, value):
            return Strength(REQUIRED, f"{name}, in its body")
        optional = optional or any(self.optional.holds(face) for face in self.faces(value))
        if optional or any(self.auth.holds(face) for face in value.lenient):
            return Strength(OPTIONAL, name)
        return inner

    def faces(self, value: Value) -> Iterator[Value]:
        """Yield everything that a configured name may have meant to find this value by."""
        yield value
        yield from value.makers
        if isinstance(value, Function):
            yield value.origin
        elif isinstance(value, Bound | Partial):
            yield from self.faces(value.function)
        elif isinstance(value, Class):
            yield from lineage(value)
        elif isinstance(value, Instance) and value.cls is not None:
            for base in lineage(value.cls):
                yield base
                if isinstance(base, Class) and "__call__" in base.namespace:
                    yield base.namespace["__call__"]
                    break
        elif isinstance(value, ExternalCall):
            yield External(value.name.removesuffix("()"))

    def handler(self, value: Value, *, body: bool = True) -> Strength:
        """Return what a handler itself brings: parameters, view class, decorators, its body."""
        found = self.decorators(value)
        own = [self.of(one) for one in dependencies(self.interpreter, value)]
        function = value.function if isinstance(value, Bound) else value
        if isinstance(function, Function) and function.cls is not None and function.cls.is_view:
            own += [self.of(one) for one in class_dependencies(self.interpreter, function.cls)]
        best = strongest([found, *own])
        opaque = isinstance(function, Function) and function.signature == "unknown"
        if opaque and found.level < REQUIRED and best.level == REQUIRED:
            return Strength(UNKNOWN, "a decorator that cannot be analysed")
        if body and best.level < REQUIRED and authenticates(self, value):
            return Strength(REQUIRED, f"{describe(value)}, in its body")
        return best

    def decorators(self, value: Value) -> Strength:
        """Return the strength of the configured wrappers around a handler."""
        function = value.function if isinstance(value, Bound) else value
        return self.wrapped_by(getattr(function, "applied", ()))

    def wrapped_by(self, applied: tuple[Value, ...]) -> Strength:
        """Return the strength of those decorators that are configured wrappers."""
        for by in applied:
            if any(self.wrappers.holds(face) for face in self.faces(by)):
                return Strength(REQUIRED, f"decorator {describe(by)}")
        return NO


def _functions(value: Value) -> list[Function]:
    """Return the function behind a value, when it is one."""
    if isinstance(value, Bound | Partial):
        return _functions(value.function)
    return [value] if isinstance(value, Function) else []


def lets_through(value: Value) -> bool:
    """Say whether a security scheme was made with `auto_error=False` or its like."""
    made = value.attributes.get("__external__") if isinstance(value, Instance) else value
    return isinstance(made, ExternalCall) and made.arguments.is_lenient()


def describe(value: Value) -> str:
    """Return a short name of a value, for people."""
    if isinstance(value, Bound | Partial):
        return describe(value.function)
    if isinstance(value, Function | Class):
        makers = [one.name for one in value.makers if isinstance(one, Function)]
        return f"{makers[0]}(…)" if makers and isinstance(value, Function) else value.name
    if isinstance(value, Instance) and value.cls is not None:
        return f"{value.cls.name}(…)"
    if isinstance(value, External):
        return value.name
    return "something unknown"
