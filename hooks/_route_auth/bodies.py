"""Handlers and dependencies that call an authentication function themselves, on every path."""

from __future__ import annotations

from . import syntax as ast
from .objects import Bound, Class, Function, Instance, Partial, class_member
from .scope import Scope
from .values import Unknown, Value, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .protection import Judge

MAX_HOPS = 5  # calls from a handler to the authentication function
# Parts of an expression that may not be evaluated, or only later.
CONDITIONAL = ast.IfExp | ast.BoolOp | ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp
SIMPLE = ast.Expr | ast.Assign | ast.AnnAssign | ast.Return | ast.AugAssign
BRANCHES = ast.For | ast.AsyncFor | ast.While | ast.Try | ast.TryStar | ast.Match


def authenticates(judge: Judge, value: Value, hops: int = 0) -> bool:
    """Say whether calling this always calls a configured authentication function."""
    function, receiver = _body_of(value)
    if function is None or isinstance(function.node, ast.Lambda) or hops > MAX_HOPS:
        return False
    known = judge.bodies.get(id(function))
    if known is None:
        judge.bodies[id(function)] = function, False  # what calls itself adds nothing
        known = function, _body_authenticates(judge, function, receiver, hops)
        judge.bodies[id(function)] = known
    return known[1]


def _body_authenticates(
    judge: Judge, function: Function, receiver: Value | None, hops: int
) -> bool:
    scope = Scope(function.scope.module, function.scope, "function")
    for parameter in ast.walk(function.node.args):
        if isinstance(parameter, ast.arg):
            scope.variables[parameter.arg] = Unknown(f"argument {parameter.arg}")
    if function.cls is not None and function.node.args.args:
        receiver = receiver or Instance(function.cls)
        scope.cls, scope.receiver = function.cls, receiver
        scope.variables[function.node.args.args[0].arg] = receiver
    for call, awaited in _calls(getattr(function.node, "body", [])):
        callee = judge.interpreter.evaluate(call.func, scope)
        if all(_is_auth(judge, one, hops, awaited=awaited) for one in options(callee)):
            return True
    return False


def _body_of(value: Value) -> tuple[Function | None, Value | None]:
    if isinstance(value, Function):
        return value, None
    if isinstance(value, Bound):
        return value.function, value.receiver
    if isinstance(value, Partial):
        return _body_of(value.function)
    if isinstance(value, Instance) and value.cls is not None:
        method = class_member(value.cls, "__call__")
        return (method, value) if isinstance(method, Function) else (None, None)
    return None, None


def _is_auth(judge: Judge, callee: Value, hops: int, *, awaited: bool) -> bool:
    function, _ = _body_of(callee)
    if function is not None and isinstance(function.node, ast.AsyncFunctionDef) and not awaited:
        return False  # a coroutine that nobody awaits does nothing
    if isinstance(callee, Class):
        return False  # making an object of an authentication class checks nothing
    if any(judge.auth.holds(face) for face in judge.faces(callee)):
        return function is None or not _is_factory(function)
    return function is not None and authenticates(judge, callee, hops + 1)


def _is_factory(function: Function) -> bool:
    """Say whether a function makes a dependency instead of being one."""
    body = getattr(function.node, "body", [])
    return isinstance(body, list) and any(
        isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) for one in body
    )


def _calls(body: list[ast.stmt]) -> Iterator[tuple[ast.Call, bool]]:
    """Yield the calls that a body makes on every path, until it may have returned."""
    for node in body:
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                yield from _in_expression(item.context_expr)
            yield from _calls(node.body)
        elif isinstance(node, ast.If):
            yield from _in_expression(node.test)
        elif isinstance(node, ast.Try) and not node.handlers:
            yield from _calls(node.body)
        elif isinstance(node, SIMPLE) and node.value is not None:
            yield from _in_expression(node.value)
        if isinstance(node, ast.If | BRANCHES) and _leaves(node):
            return
        if isinstance(node, ast.Return | ast.Raise):
            return


def _leaves(node: ast.stmt) -> bool:
    return any(isinstance(inner, ast.Return | ast.Yield) for inner in ast.walk(node))


def _in_expression(node: ast.AST, *, awaited: bool = False) -> Iterator[tuple[ast.Call, bool]]:
    if isinstance(node, CONDITIONAL):
        return
    if isinstance(node, ast.Call):
        yield node, awaited
    for child in ast.children(node):
        yield from _in_expression(child, awaited=isinstance(node, ast.Await))
