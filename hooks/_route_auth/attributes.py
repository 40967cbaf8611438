"""Reading and writing attributes, elements and names."""

from __future__ import annotations

from . import containers
from .arguments import Arguments, Site
from .markers import Depends
from .names import canonical
from .objects import Bound, Class, Function, Instance, Partial, class_member, external_base, lineage
from .router_members import assumed_method, router_attribute
from .routers import RouteList, Router
from .values import (
    Constant,
    Default,
    External,
    ExternalCall,
    Lazy,
    Mapping,
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
        if type(member) is Constant and is_setting(value.cls, name):
            return Default(member.value)
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


def is_setting(cls: Class, name: str) -> bool:
    """Say whether an attribute is a field that a class from outside fills, as pydantic's do."""
    if external_base(cls) is None:
        return False
    own = (one for one in lineage(cls) if isinstance(one, Class))
    return any(field == name for one in own for field, _ in one.fields)


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
