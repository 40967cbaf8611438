"""Functions, lambdas and classes as the program defines them."""

from __future__ import annotations

from . import syntax as ast
from .arguments import Arguments, Site
from .callables import annotation
from .objects import Bound, Class, Function, class_member
from .values import External, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .scope import Scope


def define_function(
    interpreter: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
) -> None:
    """Bind a function, then let its decorators work on it from the inside out."""
    function = make_function(interpreter, node, scope)
    interpreter.define(function)
    value: Value = function
    for decorator in reversed(node.decorator_list):
        value = decorate(interpreter, decorator, value, scope)
    scope.bind(node.name, value)


def decorate(interpreter: Interpreter, decorator: ast.expr, value: Value, scope: Scope) -> Value:
    """Return what a decorator makes of a value."""
    by = interpreter.evaluate(decorator, scope)
    return interpreter.decorate(by, value, Site(scope.module, decorator))


def make_function(
    interpreter: Interpreter,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
    scope: Scope,
) -> Function:
    """Return a function value, its defaults evaluated now, as Python does."""
    arguments = node.args
    names = [*arguments.posonlyargs, *arguments.args]
    defaults: list[Value | None] = [None] * (len(names) - len(arguments.defaults))
    defaults += [interpreter.evaluate(default, scope) for default in arguments.defaults]
    for default in arguments.kw_defaults:
        defaults.append(interpreter.evaluate(default, scope) if default is not None else None)
    function = Function(node, scope, defaults)
    # A factory's variables change from call to call: what its functions declare is fixed now.
    if scope.kind == "function" and not scope.module.future:
        for parameter in [*names, *arguments.kwonlyargs]:
            if parameter.annotation is not None:
                value = annotation(interpreter, parameter.annotation, scope)
                function.annotations[parameter.arg] = value
    return function


def make_lambda(interpreter: Interpreter, node: ast.Lambda, scope: Scope) -> Function:
    """Return the function that a lambda is."""
    return make_function(interpreter, node, scope)


def define_class(interpreter: Interpreter, node: ast.ClassDef, scope: Scope) -> None:
    """Bind a class: its body runs in a name space of its own."""
    from .scope import Scope as NewScope

    bases = [
        interpreter.evaluate(base, scope)
        for base in node.bases
        if not isinstance(base, ast.Starred)
    ]
    cls = Class(node, bases, scope)
    inner = NewScope(scope.module, scope, "class")
    interpreter.run_body(node.body, inner)
    cls.namespace = inner.variables
    cls.fields = list(inner.annotations.items())
    for value in cls.namespace.values():
        if isinstance(value, Function) and value.cls is None:
            value.cls = value.origin.cls = cls
    interpreter.classes.append(cls)
    scope.bind(node.name, cls)
    _init_subclass(interpreter, cls, scope)
    value = cls
    for decorator in reversed(node.decorator_list):
        made = decorate(interpreter, decorator, value, scope)
        value = made if isinstance(made, Class) else value
    scope.bind(node.name, value)


def _init_subclass(interpreter: Interpreter, cls: Class, scope: Scope) -> None:
    """Run a base's `__init_subclass__`: view classes register themselves there."""
    hook = class_member(cls, "__init_subclass__", after=cls)
    if isinstance(hook, Function):
        keywords = {
            item.arg: interpreter.evaluate(item.value, scope)
            for item in cls.node.keywords if item.arg is not None and item.arg != "metaclass"
        }  # fmt: skip
        interpreter.call(Bound(hook, cls), Arguments([], keywords), Site(scope.module, cls.node))


def is_external(value: Value, *names: str) -> bool:
    """Say whether a value is one of some external names."""
    return isinstance(value, External) and value.name in names
