"""What each Python expression stands for."""

from __future__ import annotations

from . import syntax as ast
from .arguments import Arguments, Site
from .comprehensions import comprehension, dict_comprehension
from .definitions import make_lambda
from .names import builtin
from .operators import MAX_TEXT, add, binary, boolean, compare, elements, is_none, subscript, truth
from .values import Constant, External, Mapping, Maybe, Sequence, Unknown, Value, join, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .interpreter import Interpreter
    from .scope import Scope

__all__ = ["add", "constants", "elements", "evaluate", "is_none", "truth"]


def evaluate(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """Return what an expression stands for; one of a kind not modelled is unknown."""
    run = EXPRESSIONS.get(type(node))
    return run(interpreter, node, scope) if run is not None else Unknown(type(node).__name__)


def constants(value: Value) -> list[object]:
    """Return the literals in a sequence."""
    items = value.items if isinstance(value, Sequence) else []
    return [item.value for item in items if isinstance(item, Constant)]


def _name(interpreter: Interpreter, node: ast.Name, scope: Scope) -> Value:
    value = scope.lookup(node.id)
    return value if value is not None else builtin(node.id)


def _attribute(interpreter: Interpreter, node: ast.Attribute, scope: Scope) -> Value:
    return interpreter.attribute(interpreter.evaluate(node.value, scope), node.attr)


def _call(interpreter: Interpreter, node: ast.Call, scope: Scope) -> Value:
    function = interpreter.evaluate(node.func, scope)
    site = Site(scope.module, node)
    if isinstance(function, External) and function.name in SCOPED:
        return SCOPED[function.name](interpreter, node, scope)
    return interpreter.call(function, arguments(interpreter, node, scope), site)


def arguments(interpreter: Interpreter, node: ast.Call, scope: Scope) -> Arguments:
    """Evaluate the arguments of a call, `*` and `**` spread out where they are known."""
    result = Arguments()
    for item in node.args:
        if isinstance(item, ast.Starred):
            items, known = elements(interpreter.evaluate(item.value, scope))
            result.positional += [one.value if isinstance(one, Maybe) else one for one in items]
            result.open = result.open or not known
        else:
            result.positional.append(interpreter.evaluate(item, scope))
    for keyword in node.keywords:
        value = interpreter.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            result.keywords[keyword.arg] = value
        else:
            _spread(result, value)
    return result


def _spread(result: Arguments, value: Value) -> None:
    """Add `**value` to the arguments; what may or may not be there is joined with nothing."""
    choices = options(value)
    for choice in choices:
        if not isinstance(choice, Mapping):
            result.open = result.open or not is_none(choice)
            continue
        result.open = result.open or choice.open
        for name, item in choice.items.items():
            others = [other for other in choices if other is not choice]
            present = [o.items[name] for o in others if isinstance(o, Mapping) and name in o.items]
            absent: list[Value] = [Constant(None)] * (len(others) - len(present))
            result.keywords[str(name)] = join([item, *present, *absent])


def _sequence(
    interpreter: Interpreter, node: ast.List | ast.Tuple | ast.Set, scope: Scope
) -> Value:
    items: list[Value] = []
    open_ = False
    for item in node.elts:
        if isinstance(item, ast.Starred):
            value = interpreter.evaluate(item.value, scope)
            spread, known = elements(value)
            items += spread
            open_ = open_ or not known
        else:
            items.append(interpreter.evaluate(item, scope))
    kind = type(node).__name__.lower()
    return Sequence(items, kind, open_=open_, depth=len(interpreter.conditions))


def _dict(interpreter: Interpreter, node: ast.Dict, scope: Scope) -> Value:
    result = Mapping({})
    for key, item in zip(node.keys, node.values, strict=True):
        value = interpreter.evaluate(item, scope)
        if key is None:
            if isinstance(value, Mapping):
                result.items.update(value.items)
            result.open = result.open or not isinstance(value, Mapping) or value.open
            continue
        name = interpreter.evaluate(key, scope)
        if isinstance(name, Constant):
            result.items[name.value] = value
        else:  # an object as key: kept under its identity, so that .values() still sees it
            result.items[name] = value
    return result


def _conditional(interpreter: Interpreter, node: ast.IfExp, scope: Scope) -> Value:
    test = truth(interpreter.evaluate(node.test, scope))
    if test is not None:
        return interpreter.evaluate(node.body if test else node.orelse, scope)
    arms = [interpreter.evaluate(node.body, scope), interpreter.evaluate(node.orelse, scope)]
    return join(arms)


def _walrus(interpreter: Interpreter, node: ast.NamedExpr, scope: Scope) -> Value:
    value = interpreter.evaluate(node.value, scope)
    scope.bind(node.target.id, value)
    return value


def _yield(interpreter: Interpreter, node: ast.Yield, scope: Scope) -> Value:
    value = interpreter.evaluate(node.value, scope) if node.value else Constant(None)
    scope.function_scope().yields.append(value)
    return Unknown("sent into a generator")


def _yield_from(interpreter: Interpreter, node: ast.YieldFrom, scope: Scope) -> Value:
    items, known = elements(interpreter.evaluate(node.value, scope))
    scope.function_scope().yields += items if known else [*items, Unknown("yield from")]
    return Unknown("result of a generator")


def _text(interpreter: Interpreter, node: ast.JoinedStr, scope: Scope) -> Value:
    parts = []
    for part in node.values:
        inner = part.value if isinstance(part, ast.FormattedValue) else part
        value = interpreter.evaluate(inner, scope)
        if not isinstance(value, Constant):
            return Unknown("text made at run time")
        parts.append(str(value.value))
    text = "".join(parts)
    return Constant(text) if len(text) < MAX_TEXT else Unknown("a long text")


def _super(interpreter: Interpreter, node: ast.Call, scope: Scope) -> Value:
    from .attributes import Super

    here: Scope | None = scope
    while here is not None and (here.cls is None or here.receiver is None):
        here = here.parent
    if here is None or here.cls is None or here.receiver is None:
        return Unknown("super() outside a method")
    return Super(here.cls, here.receiver)


def _names(interpreter: Interpreter, node: ast.Call, scope: Scope) -> Value:
    return Mapping(dict(scope.module_scope().variables.items()))


SCOPED: dict[str, Callable[[Interpreter, ast.Call, Scope], Value]] = {
    "builtins.super": _super, "builtins.globals": _names,
}  # fmt: skip
EXPRESSIONS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: lambda _, node, scope: Constant(node.value),
    ast.Name: _name, ast.Attribute: _attribute, ast.Call: _call,
    ast.List: _sequence, ast.Tuple: _sequence, ast.Set: _sequence, ast.Dict: _dict,
    ast.ListComp: comprehension, ast.SetComp: comprehension, ast.GeneratorExp: comprehension,
    ast.DictComp: dict_comprehension, ast.IfExp: _conditional, ast.NamedExpr: _walrus,
    ast.Lambda: make_lambda, ast.JoinedStr: _text, ast.Yield: _yield, ast.YieldFrom: _yield_from,
    ast.Await: lambda interpreter, node, scope: interpreter.evaluate(node.value, scope),
    ast.Starred: lambda interpreter, node, scope: interpreter.evaluate(node.value, scope),
    ast.BinOp: binary, ast.BoolOp: boolean, ast.Compare: compare, ast.Subscript: subscript,
    ast.UnaryOp: lambda interpreter, node, scope: _not(interpreter, node, scope),
}  # fmt: skip


def _not(interpreter: Interpreter, node: ast.UnaryOp, scope: Scope) -> Value:
    value = interpreter.evaluate(node.operand, scope)
    if isinstance(node.op, ast.Not):
        known = truth(value)
        return Unknown("not") if known is None else Constant(not known)
    if isinstance(value, Constant) and isinstance(value.value, int | float):
        return Constant(-value.value if isinstance(node.op, ast.USub) else value.value)
    return Unknown("a number")
