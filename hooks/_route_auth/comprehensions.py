"""Comprehensions, turn by turn."""

from __future__ import annotations

from . import syntax as ast
from .assignment import assign
from .operators import elements, truth
from .scope import Scope
from .values import Constant, Mapping, Maybe, Sequence, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter


def comprehension(
    interpreter: Interpreter, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope
) -> Value:
    items: list[Value] = []
    known = _generate(interpreter, node.generators, node.elt, scope, items)
    return Sequence(items, "list", open_=not known, depth=len(interpreter.conditions))


def _generate(
    interpreter: Interpreter, generators: list[ast.comprehension], element: ast.expr,
    scope: Scope, into: list[Value],
) -> bool:  # fmt: skip
    """Evaluate a comprehension turn by turn; say whether every turn was known."""
    if not generators:
        into.append(interpreter.evaluate(element, scope))
        return True
    first, rest = generators[0], generators[1:]
    items, known = elements(interpreter.evaluate(first.iter, scope))
    for item in items if known else [*items, Unknown("element of a comprehension")]:
        if not interpreter.step():
            return False
        inner = Scope(scope.module, scope, "function")
        maybe = isinstance(item, Maybe)
        assign(interpreter, first.target, item.value if isinstance(item, Maybe) else item, inner)
        tests = [truth(interpreter.evaluate(test, inner)) for test in first.ifs]
        if False in tests:
            continue
        start = len(into)
        known = _generate(interpreter, rest, element, inner, into) and known
        if None in tests or maybe:
            into[start:] = [Maybe(value, (id(first), 0, 2)) for value in into[start:]]
    return known


def dict_comprehension(interpreter: Interpreter, node: ast.DictComp, scope: Scope) -> Value:
    pairs: list[Value] = []
    pair = ast.Tuple([node.key, node.value], ast.Load())
    known = _generate(interpreter, node.generators, pair, scope, pairs)
    result = Mapping({}, open_=not known)
    for item in pairs:
        if isinstance(item, Sequence):
            key, value = item.items
            result.items[key.value if isinstance(key, Constant) else key] = value
        else:
            result.open = True
    return result
