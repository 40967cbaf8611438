"""Operators, truth and indexing on abstract values."""

from __future__ import annotations

from . import syntax as ast
from .markers import Annotated, Depends, Public
from .objects import Bound, Class, Function, Instance, Native, Partial
from .values import (
    Constant,
    Default,
    External,
    Lazy,
    Mapping,
    Maybe,
    ModuleValue,
    Sequence,
    Unknown,
    Value,
    join,
    options,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .scope import Scope

MAX_TEXT = 2000  # characters of a text that is put together: no path is longer
MAX_NUMBER = 1 << 40  # so that doubling in a loop ends
MAX_ITEMS = 2000  # elements of a list that is put together
ALWAYS_TRUE = Function, Class, Depends, Annotated, Partial, ModuleValue, Bound, Native, Public


def is_none(value: Value) -> bool:
    """Say whether a value certainly is None."""
    return isinstance(value, Constant) and value.value is None


def truth(value: Value) -> bool | None:
    """Return the truth of a value, or None when a run decides it."""
    if isinstance(value, Constant):
        return None if isinstance(value, Default) else bool(value.value)
    if isinstance(value, Sequence | Mapping):
        if any(not isinstance(item, Maybe) for item in value.items):
            return True
        return None if value.open or value.items else False
    if isinstance(value, ALWAYS_TRUE):
        return True
    if isinstance(value, Instance):
        return True
    answers = {truth(option) for option in options(value)} if options(value) != [value] else {None}
    return answers.pop() if len(answers) == 1 else None


def elements(value: Value) -> tuple[list[Value], bool]:
    """Return the elements of something iterable, and whether these are certainly all."""
    if isinstance(value, Sequence):
        return list(value.items), not value.open
    if isinstance(value, Mapping):
        keys = [key if isinstance(key, Value) else Constant(key) for key in value.items]
        return keys, not value.open
    if isinstance(value, Constant) and isinstance(value.value, str):
        return [Constant(letter) for letter in value.value[:200]], True
    choices = options(value)
    if len(choices) > 1:
        several = [elements(choice) for choice in choices if not is_none(choice)]
        maybe = [item for items, _ in several for item in items]
        return maybe, all(known for _, known in several)
    return [], is_none(value)


def binary(interpreter: Interpreter, node: ast.BinOp, scope: Scope) -> Value:
    """`+` on sequences and text, `|` on mappings and types, `%` and the rest unknown."""
    left = interpreter.evaluate(node.left, scope)
    right = interpreter.evaluate(node.right, scope)
    if isinstance(node.op, ast.Add):
        return add(left, right, len(interpreter.conditions))
    if isinstance(node.op, ast.BitOr) and isinstance(left, Mapping) and isinstance(right, Mapping):
        return Mapping({**left.items, **right.items}, open_=left.open or right.open)
    return Unknown("result of an operator")


def add(left: Value, right: Value, depth: int) -> Value:
    """Return `left + right`, for every combination of alternatives."""
    results: list[Value] = []
    for one in options(left):
        for other in options(right):
            if isinstance(one, Sequence) and isinstance(other, Sequence):
                items = [*one.items, *other.items][:MAX_ITEMS]
                results.append(Sequence(items, one.kind, open_=one.open or other.open, depth=depth))
            elif isinstance(one, Constant) and isinstance(other, Constant):
                results.append(_sum(one.value, other.value))
            elif isinstance(one, Sequence) or isinstance(other, Sequence):
                held = [item for side in (one, other) for item in elements(side)[0]]
                results.append(Sequence(held, open_=True, depth=depth))
            else:
                results.append(Unknown("a sum"))
    return join(results)


def _sum(left: object, right: object) -> Value:
    if isinstance(left, str) and isinstance(right, str) and len(left + right) < MAX_TEXT:
        return Constant(left + right)
    if isinstance(left, int) and isinstance(right, int) and abs(left + right) < MAX_NUMBER:
        return Constant(left + right)
    return Unknown("a sum")


def boolean(interpreter: Interpreter, node: ast.BoolOp, scope: Scope) -> Value:
    """`a or b`, `a and b`: the operands that can be the result."""
    stops = isinstance(node.op, ast.Or)
    results: list[Value] = []
    for index, operand in enumerate(node.values):
        value = interpreter.evaluate(operand, scope)
        last = index == len(node.values) - 1
        kept = [option for option in options(value) if last or truth(option) in (stops, None)]
        results += kept
        if last or all(truth(option) is stops for option in options(value)):
            break
    return join(results) if results else Unknown("a condition")


def compare(interpreter: Interpreter, node: ast.Compare, scope: Scope) -> Value:
    """Comparisons of literals, and `is None` of anything known."""
    left = interpreter.evaluate(node.left, scope)
    right = interpreter.evaluate(node.comparators[0], scope)
    if len(node.ops) > 1 or isinstance(left, Default) or isinstance(right, Default):
        return Unknown("a comparison")
    operator = node.ops[0]
    negated = isinstance(operator, ast.IsNot | ast.NotEq | ast.NotIn)
    answer: bool | None = None
    if isinstance(operator, ast.In | ast.NotIn):
        answer = _contains(right, left)
    elif isinstance(operator, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
        answer = _equal(left, right)
    return Unknown("a comparison") if answer is None else Constant(answer != negated)


def _contains(container: Value, item: Value) -> bool | None:
    if isinstance(item, Constant) and isinstance(container, Mapping | Sequence):
        items, known = elements(container)
        values = [one.value for one in items if isinstance(one, Constant)]
        if item.value in values:
            return True
        return False if known and len(values) == len(items) else None
    return None


def _equal(left: Value, right: Value) -> bool | None:
    if isinstance(left, Constant) and isinstance(right, Constant):
        return left.value is right.value or left.value == right.value
    for one, other in ((left, right), (right, left)):
        if is_none(one) and isinstance(other, (Sequence, Mapping, Instance, *ALWAYS_TRUE)):
            return False
    return None


def subscript(interpreter: Interpreter, node: ast.Subscript, scope: Scope) -> Value:
    """Indexing, `Annotated[...]`, and generic classes, which stay themselves."""
    value = interpreter.evaluate(node.value, scope)
    results = [_index(interpreter, option, node, scope) for option in options(value)]
    return join(results)


def _index(interpreter: Interpreter, value: Value, node: ast.Subscript, scope: Scope) -> Value:
    if isinstance(value, External) and value.name == "typing.Annotated":
        from .callables import annotated

        return annotated(interpreter, node.slice, scope)
    if isinstance(value, Class):
        return value
    if isinstance(value, External) and value.name.startswith(("typing.", "builtins.")):
        return Unknown("a generic type")
    index = interpreter.evaluate(node.slice, scope)
    if isinstance(index, Constant):
        return item(value, index.value)
    if isinstance(value, External):
        return value  # a generic class from outside
    if isinstance(value, Mapping | Sequence) and not isinstance(node.slice, ast.Slice):
        held = list(value.items.values()) if isinstance(value, Mapping) else value.items
        return join([*held, Unknown("an element not known")]) if held else Unknown("an element")
    return value if isinstance(value, Sequence) else Unknown("an element")


def item(value: Value, key: object) -> Value:
    """Return `value[key]` for a literal key."""
    if isinstance(value, Mapping) and key in value.items:
        found = value.items[key]
        return found.force() if isinstance(found, Lazy) else found
    if not isinstance(value, Sequence) or not isinstance(key, int) or value.open:
        return Unknown(f"no element {key!r}")
    if -len(value.items) <= key < len(value.items):
        found = value.items[key]
        return found.value if isinstance(found, Maybe) else found
    return Unknown(f"no element {key!r}")
