"""Calls: arguments meet parameters, bodies run, classes make objects, decorators wrap."""

from __future__ import annotations

from . import natives
from . import syntax as ast
from .arguments import Arguments, Site
from .attributes import bind
from .markers import Public
from .objects import Bound, Class, Function, Instance, Native, Partial, class_member, external_base
from .routers import Router, initialise, router_kind
from .scope import Scope
from .values import (
    Constant,
    External,
    ExternalCall,
    Lazy,
    Mapping,
    Sequence,
    Unknown,
    Value,
    join,
    options,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter


def call(interpreter: Interpreter, value: Value, arguments: Arguments, site: Site) -> Value:
    """Return what calling a value gives."""
    if isinstance(value, Lazy):
        value = value.force()
    if len(options(value)) > 1:
        return join([call(interpreter, one, arguments, site) for one in options(value)])
    if isinstance(value, Function):
        return call_function(interpreter, value, arguments, site)
    if isinstance(value, Bound):
        inner = Arguments([value.receiver, *arguments.positional], arguments.keywords)
        inner.open = arguments.open
        return call_function(interpreter, value.function, inner, site)
    if isinstance(value, Native):
        return value.run(interpreter, arguments, site)
    if isinstance(value, Class):
        return instantiate(interpreter, value, arguments, site)
    if isinstance(value, Partial):
        merged = value.arguments.extended(arguments.positional, arguments.keywords)
        merged.open = merged.open or arguments.open
        return call(interpreter, value.function, merged, site)
    if isinstance(value, Public):
        return mark_public(value, arguments)
    if isinstance(value, Instance) and value.cls is not None:
        member = class_member(value.cls, "__call__")
        if member is not None:
            return call(interpreter, bind(interpreter, member, value, value.cls), arguments, site)
    if isinstance(value, External):
        return natives.call_external(interpreter, value, arguments, site)
    return Unknown("what an unknown call returns")


def mark_public(marker: Public, arguments: Arguments) -> Value:
    """Mark what `public(reason=...)` is applied to, as the real one does."""
    target = arguments.positional[0] if arguments.positional else Unknown("nothing")
    for option in options(target):
        option.public = marker
        marker.used = True
        if isinstance(option, Bound):
            option.function.public = marker
    return target


def call_function(
    interpreter: Interpreter, function: Function, arguments: Arguments, site: Site
) -> Value:
    """Run a function's body with these arguments and return what it returns."""
    marker = interpreter.public_marker(function, arguments, site)
    if marker is not None:
        return marker
    interpreter.called.add(id(function.node))
    if interpreter.too_much(function, site):
        return Unknown("a call too deep to follow")
    scope = Scope(function.scope.module, function.scope, "function")
    bind_parameters(interpreter, function, arguments, scope)
    interpreter.stack.append(function.node)
    interpreter.wrapping.append((function, arguments))
    if isinstance(function.node, ast.Lambda):
        result = interpreter.evaluate(function.node.body, scope)
    else:
        interpreter.run_body(function.node.body, scope)
        result = _result(scope)
    interpreter.stack.pop()
    interpreter.wrapping.pop()
    given = arguments.positional[0] if arguments.positional else None
    for option in options(result):
        if isinstance(option, Constant):
            continue
        if isinstance(option, Function) and isinstance(given, Function) and option is not given:
            option.applied = (*given.applied, *option.applied, function)
        if arguments.is_lenient():
            option.lenient = (*option.lenient, function)
        elif function not in option.makers:
            option.makers = (*option.makers, function)
    return result


def _result(scope: Scope) -> Value:
    if scope.yields:
        return Sequence(scope.yields, "generator")
    return join(scope.returns) if scope.returns else Constant(None)


def bind_parameters(
    interpreter: Interpreter, function: Function, arguments: Arguments, scope: Scope
) -> None:
    """Bind the parameters of a function in the scope of one call."""
    node = function.node.args
    names = [parameter.arg for parameter in (*node.posonlyargs, *node.args)]
    positional = arguments.positional
    if function.cls is not None and positional and function.binding != "staticmethod":
        scope.cls, scope.receiver = function.cls, positional[0]
    rest = dict(arguments.keywords)
    names_all = [*names, *(parameter.arg for parameter in node.kwonlyargs)]
    for index, name in enumerate(names_all):
        if index < len(names) and index < len(positional):
            value: Value | None = positional[index]
        elif name in rest:
            value = rest.pop(name)
        else:
            value = function.defaults[index]
            if arguments.open:
                value = join([*([value] if value else []), Unknown(f"argument {name}")])
        scope.variables[name] = value or Unknown(f"argument {name}")
    depth = len(interpreter.conditions)
    if node.vararg is not None:
        extra = list(positional[len(names) :])
        scope.variables[node.vararg.arg] = Sequence(
            extra, "tuple", open_=arguments.open, depth=depth
        )
    if node.kwarg is not None:
        spread: dict[object, Value] = dict(rest.items())
        scope.variables[node.kwarg.arg] = Mapping(spread, open_=arguments.open)


def instantiate(interpreter: Interpreter, cls: Class, arguments: Arguments, site: Site) -> Value:
    """Make an object of a class of the program; router classes make routers."""
    kind = router_kind(cls)
    instance = Instance(cls) if kind is None else Router(interpreter, kind, site, cls)
    interpreter.instances.append(instance)
    constructor = class_member(cls, "__init__")
    if isinstance(constructor, Function):
        call(interpreter, Bound(constructor, instance), arguments, site)
    elif isinstance(instance, Router):
        initialise(interpreter, instance, arguments, site)
    else:
        instance.fill(cls, arguments)
    base = external_base(cls)
    if kind is None and base is not None:  # a subclass of something unknown may be a router
        instance.attributes.setdefault("__external__", ExternalCall(base.name, arguments, site))
    return instance


def decorate(interpreter: Interpreter, by: Value, value: Value, site: Site) -> Value:
    """Return what a decorator makes of a function or class.

    What it registers is reported where it stands, however deep in the program that happens.
    """
    outer = interpreter.origin
    if isinstance(value, Function):
        interpreter.origin = outer or site
    try:
        return _decorated(interpreter, by, value, site)
    finally:
        interpreter.origin = outer


def _decorated(interpreter: Interpreter, by: Value, value: Value, site: Site) -> Value:
    if isinstance(by, Lazy):
        by = by.force()
    special = natives.decorate_external(interpreter, by, value, site)
    if special is not None:
        return special
    if isinstance(value, Class) and natives.mark_view(by, value):
        return value  # what it does to signatures is known; how it does it need not be followed
    made = call(interpreter, by, Arguments([value]), site)
    if isinstance(value, Class):
        return made if isinstance(made, Class) else value
    if not isinstance(value, Function):
        return made
    if made is value or isinstance(by, Native | Public):
        return made
    if isinstance(made, Function):
        made.applied = (*value.applied, *made.applied, by)
        return made
    if any(isinstance(one, Function | Instance | Partial | Class) for one in options(made)):
        return made
    opaque = value.decorated(by)
    opaque.signature = "unknown"
    return opaque
