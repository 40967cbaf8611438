"""Reading and writing attributes, elements and names."""

from __future__ import annotations

import ast

from . import containers
from .names import canonical
from .routers import RouteList, Router, assumed_method, router_attribute, set_router_attribute
from .values import (
    Arguments, Bound, Class, Constant, Depends, External, ExternalCall, Function, Instance, Lazy,
    Mapping, ModuleValue, Partial, Sequence, Site, Unknown, Value, join, lineage, options,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .scope import Scope


class Super(Value):
    """What `super()` is: the receiver, seen from the class after `cls`."""

    __slots__ = ("cls", "receiver")

    def __init__(self, cls: Class, receiver: Value) -> None:
        super().__init__()
        self.cls = cls
        self.receiver = receiver


def get(interpreter: Interpreter, value: Value, name: str) -> Value:
    """Return `value.name`."""
    if isinstance(value, Lazy):
        value = value.force()
    if len(options(value)) > 1:
        return join([get(interpreter, option, name) for option in options(value)])
    if isinstance(value, ModuleValue):
        return interpreter.module_attribute(value.module, name)
    if isinstance(value, Instance):
        return _of_instance(interpreter, value, name)
    if isinstance(value, Class):
        return _of_class(interpreter, value, name)
    if isinstance(value, Super):
        return _of_super(interpreter, value, name)
    if isinstance(value, ExternalCall | Unknown):
        method = assumed_method(interpreter, value, name)
        if method is not None:
            return method
    if isinstance(value, External):
        call = "()" if isinstance(value, ExternalCall) else ""
        return External(canonical(f"{value.name}{call}.{name}"))
    return _of_others(interpreter, value, name)


def _of_others(interpreter: Interpreter, value: Value, name: str) -> Value:
    if isinstance(value, Sequence | Mapping | Constant | RouteList):
        return containers.method(interpreter, value, name)
    if isinstance(value, Depends) and name == "dependency":
        return value.target or Constant(None)
    if isinstance(value, Partial) and name == "func":
        return value.function
    if isinstance(value, Function) and name == "__name__":
        return Constant(value.name)
    if isinstance(value, Function) and name == "__wrapped__" and value.wrapped is not None:
        return value.wrapped
    return Unknown(f"attribute {name}")


def class_member(cls: Value, name: str, after: Class | None = None) -> Value | None:
    """Find a name in a class and its bases, or in those after one of them."""
    waiting = after is not None
    for base in lineage(cls):
        if waiting:
            waiting = base is not after
        elif isinstance(base, Class) and name in base.namespace:
            found = base.namespace[name]
            return found.force() if isinstance(found, Lazy) else found
    return None


def bind(interpreter: Interpreter, member: Value, receiver: Value, cls: Value) -> Value:
    """Bind a class member to the object it was read from."""
    if not isinstance(member, Function) or member.binding == "staticmethod":
        return member
    if member.binding == "classmethod":
        return Bound(member, cls)
    bound = Bound(member, receiver)
    if member.binding == "property":
        site = Site(member.scope.module, member.node)
        return interpreter.call(bound, Arguments(), site)
    return bound


def _of_instance(interpreter: Interpreter, value: Instance, name: str) -> Value:
    if name in value.attributes:
        found = value.attributes[name]
        return found.force() if isinstance(found, Lazy) else found
    if value.cls is not None:
        member = class_member(value.cls, name)
        if member is not None:
            return bind(interpreter, member, value, value.cls)
        if name == "__class__":
            return value.cls
    if isinstance(value, Router):
        return router_attribute(interpreter, value, name)
    if value.cls is not None and external_base(value.cls) is not None:
        method = assumed_method(interpreter, value, name)
        if method is not None:
            return method
    return Unknown(f"attribute {name}")


def external_base(cls: Value) -> External | None:
    """Return the first base of a class that is not the program's, `object` aside."""
    for base in lineage(cls):
        if isinstance(base, External) and base.name not in {"builtins.object", "abc.ABC"}:
            if not base.name.startswith("typing."):
                return base
    return None


def _of_class(interpreter: Interpreter, value: Class, name: str) -> Value:
    member = class_member(value, name)
    if isinstance(member, Function) and member.binding == "classmethod":
        return Bound(member, value)
    if member is not None:
        return member
    if name == "__name__":
        return Constant(value.name)
    if name == "__subclasses__":
        return containers.subclasses(interpreter, value)
    base = external_base(value)
    return External(f"{base.name}.{name}") if base else Unknown(f"{value.name} has no {name}")


def _of_super(interpreter: Interpreter, value: Super, name: str) -> Value:
    receiver = value.receiver
    cls = receiver if isinstance(receiver, Class) else getattr(receiver, "cls", None)
    if cls is not None:
        member = class_member(cls, name, after=value.cls)
        if member is not None:
            return bind(interpreter, member, receiver, cls)
    if isinstance(receiver, Router):
        return router_attribute(interpreter, receiver, name)
    base = external_base(value.cls)
    return External(f"{base.name}.{name}") if base else Unknown(f"super().{name}")


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
    from .operators import add

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
