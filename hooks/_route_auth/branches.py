"""Conditions: every arm runs from the same start, and what they leave behind is joined."""

from __future__ import annotations

from . import syntax as ast
from .operators import is_none, truth
from .values import Unknown, Value, join, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Interpreter
    from .scope import Scope

    Arm = Callable[[], str | None]


def run_arms(interpreter: Interpreter, node: ast.AST, scope: Scope, arms: list[Arm]) -> str | None:
    """Run alternatives from the same start and join what they leave behind."""
    before = dict(scope.variables)
    outcomes: list[dict[str, Value]] = []
    signals: list[str] = []
    for index, arm in enumerate(arms):
        scope.variables.clear()
        scope.variables.update(before)
        interpreter.conditions.append((id(node), index, len(arms)))
        signal = arm()
        interpreter.conditions.pop()
        if signal is None:
            outcomes.append(dict(scope.variables))
        else:
            signals.append(signal)
    scope.merge(outcomes)
    return signals[0] if not outcomes else None


def run_if(interpreter: Interpreter, node: ast.If, scope: Scope) -> str | None:
    test = truth(interpreter.evaluate(node.test, scope))
    if test is not None:
        return interpreter.run_body(node.body if test else node.orelse, scope)
    narrow = _not_none(node.test)
    return run_arms(
        interpreter, node, scope,
        [
            lambda: _narrowed(interpreter, node.body, scope, narrow, keep=True),
            lambda: _narrowed(interpreter, node.orelse, scope, narrow, keep=False),
        ],
    )  # fmt: skip


def _not_none(test: ast.expr) -> tuple[str, bool] | None:
    """Return the name a test asks about: `x`, `not x`, `x is None`, `x is not None`."""
    if isinstance(test, ast.Name):
        return test.id, True
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _not_none(test.operand)
        return (inner[0], not inner[1]) if inner else None
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and len(test.ops) == 1:
        right = test.comparators[0]
        if isinstance(right, ast.Constant) and right.value is None:
            return test.left.id, isinstance(test.ops[0], ast.IsNot | ast.NotEq)
    return None


def _narrowed(
    interpreter: Interpreter, body: list[ast.stmt], scope: Scope,
    narrow: tuple[str, bool] | None, *, keep: bool,
) -> str | None:  # fmt: skip
    """Run an arm with the alternatives of the tested name that lead into it."""
    if narrow is not None:
        name, wants = narrow
        value = scope.lookup(name)
        if value is not None and len(options(value)) > 1:
            left = [one for one in options(value) if is_none(one) != (wants == keep)]
            if left:
                scope.bind(name, join(left))
    return interpreter.run_body(body, scope)


def run_try(interpreter: Interpreter, node: ast.Try, scope: Scope) -> str | None:
    signal = interpreter.run_body(node.body, scope) or interpreter.run_body(node.orelse, scope)

    def handling(handler: ast.ExceptHandler) -> Arm:
        return lambda: interpreter.run_body(handler.body, scope)

    if node.handlers:
        arms: list[Arm] = [lambda: signal, *map(handling, node.handlers)]
        signal = run_arms(interpreter, node, scope, arms)
    return interpreter.run_body(node.finalbody, scope) or signal


def run_match(interpreter: Interpreter, node: ast.Match, scope: Scope) -> str | None:
    interpreter.evaluate(node.subject, scope)

    def arm(case: ast.match_case) -> Arm:
        def run() -> str | None:
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None)
                if isinstance(name, str):
                    scope.bind(name, Unknown("matched by a pattern"))
            return interpreter.run_body(case.body, scope)

        return run

    return run_arms(interpreter, node, scope, [*map(arm, node.cases), lambda: None])
