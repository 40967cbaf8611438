"""What each Python statement does to a name space."""

from __future__ import annotations

from . import containers
from . import syntax as ast
from .assignment import assign, augment
from .branches import run_arms, run_if, run_match, run_try
from .definitions import define_class, define_function
from .expressions import elements, truth
from .imports import run_import, run_import_from
from .values import Constant, Maybe, Sequence, Unknown, Value, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Interpreter
    from .scope import Scope

    Arm = Callable[[], str | None]

MAX_TURNS = 400  # turns of one loop over known elements


def run_body(interpreter: Interpreter, body: list[ast.stmt], scope: Scope) -> str | None:
    """Run statements in order; return `return`, `raise` or `loop` when one ends the body."""
    for node in body:
        if not interpreter.step():
            return "raise"
        run = STATEMENTS.get(type(node))
        if run is not None:
            signal = run(interpreter, node, scope)
            if signal is not None:
                return signal
    return None


def _for(interpreter: Interpreter, node: ast.For | ast.AsyncFor, scope: Scope) -> str | None:
    items, known = elements(interpreter.evaluate(node.iter, scope))
    for item in items[:MAX_TURNS]:
        signal = _turn(interpreter, node, item, scope)
        if signal == "return":
            return signal
        if signal == "break":
            break
    if not known or (not items and _may_fill(node, scope)):

        def body() -> str | None:
            assign(interpreter, node.target, Unknown("element of a loop"), scope)
            run_body(interpreter, node.body, scope)
            return None

        run_arms(interpreter, node, scope, [body, lambda: None])
    return run_body(interpreter, node.orelse, scope)


def _may_fill(node: ast.For | ast.AsyncFor, scope: Scope) -> bool:
    """Say whether a loop over nothing may find something at run time, and then register routes.

    A list that an object or a module holds is filled from elsewhere: by plugins, by decorators.
    """
    module, last = scope.module, node.end_lineno or node.lineno
    local = isinstance(node.iter, ast.Name) and node.iter.id in scope.variables
    literal = isinstance(node.iter, ast.List | ast.Tuple)
    return not local and not literal and module.registers(node.lineno, last)


def _turn(
    interpreter: Interpreter, node: ast.For | ast.AsyncFor, item: Value, scope: Scope
) -> str | None:
    """Run a loop's body for one element; one that may be missing makes the turn conditional."""
    held = len(interpreter.conditions)
    if isinstance(item, Maybe):
        interpreter.conditions.append(item.condition)
        item = item.value
    assign(interpreter, node.target, item, scope)
    signal = run_body(interpreter, node.body, scope)
    del interpreter.conditions[held:]
    return signal


def _while(interpreter: Interpreter, node: ast.While, scope: Scope) -> str | None:
    if truth(interpreter.evaluate(node.test, scope)) is not False:

        def body() -> str | None:
            run_body(interpreter, node.body, scope)
            return None

        run_arms(interpreter, node, scope, [body, lambda: None])
    return run_body(interpreter, node.orelse, scope)


def _with(interpreter: Interpreter, node: ast.With | ast.AsyncWith, scope: Scope) -> str | None:
    for item in node.items:
        value = interpreter.evaluate(item.context_expr, scope)
        if item.optional_vars is not None:
            if isinstance(value, Sequence) and value.kind == "generator" and value.items:
                value = join(value.items)
            assign(interpreter, item.optional_vars, value, scope)
    return run_body(interpreter, node.body, scope)


def _return(interpreter: Interpreter, node: ast.Return, scope: Scope) -> str:
    value = interpreter.evaluate(node.value, scope) if node.value else Constant(None)
    scope.returns.append(value)
    return "return"


def _assign(interpreter: Interpreter, node: ast.Assign, scope: Scope) -> None:
    value = interpreter.evaluate(node.value, scope)
    for target in node.targets:
        assign(interpreter, target, value, scope)


def _ann_assign(interpreter: Interpreter, node: ast.AnnAssign, scope: Scope) -> None:
    if scope.kind == "class" and isinstance(node.target, ast.Name):
        scope.annotations[node.target.id] = node.annotation
    if node.value is not None:
        value = interpreter.evaluate(node.value, scope)
        assign(interpreter, node.target, value, scope)


def _aug_assign(interpreter: Interpreter, node: ast.AugAssign, scope: Scope) -> None:
    augment(interpreter, node, scope)


def _type_alias(interpreter: Interpreter, node: ast.stmt, scope: Scope) -> None:
    name, value = getattr(node, "name", None), getattr(node, "value", None)  # from Python 3.12
    if isinstance(name, ast.Name) and isinstance(value, ast.expr):
        scope.bind(name.id, interpreter.evaluate(value, scope))


def _expression(interpreter: Interpreter, node: ast.Expr, scope: Scope) -> None:
    if not isinstance(node.value, ast.Constant):
        interpreter.evaluate(node.value, scope)


def _global(interpreter: Interpreter, node: ast.Global, scope: Scope) -> None:
    for name in node.names:
        scope.declared[name] = scope.module_scope()


def _nonlocal(interpreter: Interpreter, node: ast.Nonlocal, scope: Scope) -> None:
    for name in node.names:
        outer = scope.parent
        while outer is not None and name not in outer.variables:
            outer = outer.parent
        if outer is not None:
            scope.declared[name] = outer


def _delete(interpreter: Interpreter, node: ast.Delete, scope: Scope) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            scope.variables.pop(target.id, None)
        elif isinstance(target, ast.Subscript):
            held = interpreter.evaluate(target.value, scope)
            containers.delete_item(held, interpreter.evaluate(target.slice, scope))


STATEMENTS: dict[type[ast.stmt], Callable[..., str | None]] = {
    ast.Expr: _expression, ast.Assign: _assign, ast.AnnAssign: _ann_assign,
    ast.AugAssign: _aug_assign, ast.FunctionDef: define_function,
    ast.AsyncFunctionDef: define_function, ast.ClassDef: define_class, ast.Import: run_import,
    ast.ImportFrom: run_import_from, ast.If: run_if, ast.For: _for, ast.AsyncFor: _for,
    ast.While: _while, ast.With: _with, ast.AsyncWith: _with, ast.Try: run_try,
    ast.TryStar: run_try, ast.Match: run_match, ast.Return: _return,
    ast.Global: _global, ast.Nonlocal: _nonlocal,
    ast.Delete: _delete, ast.Raise: lambda *_: "raise", ast.Continue: lambda *_: "loop",
    ast.Break: lambda *_: "break",
}  # fmt: skip
if hasattr(ast, "TypeAlias"):
    STATEMENTS[ast.TypeAlias] = _type_alias
