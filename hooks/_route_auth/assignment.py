"""Assignments to names, attributes, elements and patterns of them."""

from __future__ import annotations

from . import containers
from . import syntax as ast
from .objects import Class, Function, Instance
from .operators import add
from .router_members import set_router_attribute
from .routers import Router
from .values import Mapping, ModuleValue, Sequence, Unknown, Value, join, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .scope import Scope


def put(interpreter: Interpreter, value: Value, name: str, new: Value) -> None:
    """Do `value.name = new`."""
    for option in options(value):
        if isinstance(option, Router) and set_router_attribute(interpreter, option, name, new):
            continue
        if isinstance(option, Instance):
            option.attributes[name] = new
        elif isinstance(option, Class):
            option.namespace[name] = new
        elif isinstance(option, ModuleValue):
            interpreter.run_module(option.module).variables[name] = new
        elif isinstance(option, Function) and name == "__signature__":
            option.signature = "unknown"
        elif isinstance(option, Function) and name == "__wrapped__":
            option.wrapped = new


def assign(interpreter: Interpreter, target: ast.expr, value: Value, scope: Scope) -> None:
    """Do `target = value` for a name, an attribute, an element or a pattern of them."""
    if isinstance(target, ast.Name):
        scope.bind(target.id, value)
    elif isinstance(target, ast.Attribute):
        put(interpreter, interpreter.evaluate(target.value, scope), target.attr, value)
    elif isinstance(target, ast.Subscript):
        held = interpreter.evaluate(target.value, scope)
        key = interpreter.evaluate(target.slice, scope)
        containers.put_item(held, key, value)
    elif isinstance(target, ast.Starred):
        assign(interpreter, target.value, value, scope)
    elif isinstance(target, ast.Tuple | ast.List):
        for part, item in zip(target.elts, unpacked(value, target.elts), strict=False):
            assign(interpreter, part, item, scope)


def unpacked(value: Value, targets: list[ast.expr]) -> list[Value]:
    """Return one value for each name of an unpacking."""
    choices = options(value)
    if len(choices) > 1:
        columns = [unpacked(choice, targets) for choice in choices]
        return [join(list(column)) for column in zip(*columns, strict=False)]
    stars = [index for index, target in enumerate(targets) if isinstance(target, ast.Starred)]
    if not isinstance(value, Sequence) or value.open:
        return [Unknown("unpacked from something unknown") for _ in targets]
    items = value.items
    if not stars:
        return items if len(items) == len(targets) else [Unknown("unpacked")] * len(targets)
    after = len(targets) - stars[0] - 1
    middle = Sequence(items[stars[0] : len(items) - after])
    return [*items[: stars[0]], middle, *(items[len(items) - after :] if after else [])]


def augment(interpreter: Interpreter, node: ast.AugAssign, scope: Scope) -> None:
    """Do `target += value`: a list grows in place, everything else is bound anew."""
    held = interpreter.evaluate(node.target, scope)
    value = interpreter.evaluate(node.value, scope)
    if containers.grow(interpreter, held, value):
        return
    if isinstance(node.op, ast.Add):
        assign(interpreter, node.target, add(held, value, len(interpreter.conditions)), scope)
    elif isinstance(node.op, ast.BitOr) and isinstance(held, Mapping):
        if isinstance(value, Mapping):
            held.items.update(value.items)
            held.open = held.open or value.open
        else:
            held.open = True
    else:
        assign(interpreter, node.target, Unknown("an augmented assignment"), scope)
