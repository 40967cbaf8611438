"""Functions of the standard library that programs put routers together with."""

from __future__ import annotations

from .arguments import Arguments, Site
from .iteration import ITERATION
from .markers import Depends
from .objects import Class, Instance, lineage
from .operators import truth
from .routers import KINDS, Router
from .values import Constant, External, Mapping, ModuleValue, Sequence, Unknown, Value, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .iteration import Meaning


def _getattr(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    target, name = arguments.get("object", 0), arguments.get("name", 1)
    if target is None or not isinstance(name, Constant):
        default = arguments.get("default", 2)
        unknown = Unknown("an attribute whose name is not known")
        if isinstance(target, Router):
            interpreter.unknown_methods.append((target, site))
        return join([unknown, default]) if default is not None else unknown
    found = interpreter.attribute(target, str(name.value))
    default = arguments.get("default", 2)
    if default is not None and isinstance(found, Unknown):
        return default if isinstance(target, Class | Instance) else join([found, default])
    return found


def _setattr(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    from .assignment import put

    if len(arguments.positional) == 3 and isinstance(arguments.positional[1], Constant):
        target, name, value = arguments.positional
        put(interpreter, target, str(getattr(name, "value", "")), value)
    return Constant(None)


def _hasattr(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    found = _getattr(interpreter, arguments, site)
    return Unknown("hasattr") if isinstance(found, Unknown) else Constant(True)


def _first(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    return arguments.positional[0] if arguments.positional else Unknown("nothing")


def _second(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    return arguments.positional[1] if len(arguments.positional) > 1 else Unknown("nothing")


def _bool(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    known = truth(arguments.positional[0]) if arguments.positional else False
    return Unknown("a truth") if known is None else Constant(known)


def _import_module(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    name = arguments.get("name", 0)
    if not isinstance(name, Constant) or not isinstance(name.value, str):
        return Unknown("a module whose name is not known")
    dotted = name.value
    if dotted.startswith("."):
        level = len(dotted) - len(dotted.lstrip("."))
        module = interpreter.sources.relative(site.module, level, dotted[level:])
    else:
        module = interpreter.sources.resolve(dotted, site.module)
    return ModuleValue(module) if module is not None else interpreter.external(dotted)


def _isinstance(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    if len(arguments.positional) < 2:
        return Unknown("isinstance")
    value, wanted = arguments.positional[:2]
    kinds = wanted.items if isinstance(wanted, Sequence) else [wanted]
    answers = {_is_a(value, kind) for kind in kinds}
    if True in answers:
        return Constant(True)
    return Constant(False) if answers == {False} else Unknown("isinstance")


def _is_a(value: Value, kind: Value) -> bool | None:
    """Say whether a value is of a class, or None when that is not known."""
    if isinstance(value, Router) and value.cls is None and isinstance(kind, External):
        return KINDS[kind.name] == value.kind if kind.name in KINDS else None
    if isinstance(value, Instance) and isinstance(kind, Class) and value.cls is not None:
        return True if kind in lineage(value.cls) else None
    if not isinstance(kind, External):
        return None
    if isinstance(value, Sequence):
        return kind.name == f"builtins.{value.kind}"
    if isinstance(value, Mapping):
        return kind.name == "builtins.dict"
    if isinstance(value, Constant):
        return kind.name == f"builtins.{type(value.value).__name__}"
    if isinstance(value, Depends) and kind.name.startswith("builtins."):
        return False
    return True if isinstance(value, Depends) and kind.name == "fastapi.Depends" else None


def _type_alias(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    return arguments.get("value", 1) or Unknown("a type")


def _type(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
    value = arguments.positional[0] if len(arguments.positional) == 1 else None
    cls = getattr(value, "cls", None)
    return cls if isinstance(cls, Class) else Unknown("a type")


STANDARD: dict[str, Meaning] = {
    **ITERATION,
    "builtins.getattr": _getattr,
    "builtins.setattr": _setattr,
    "builtins.hasattr": _hasattr,
    "builtins.bool": _bool,
    "builtins.isinstance": _isinstance,
    "builtins.type": _type,
    "builtins.staticmethod": _first,
    "typing.cast": _second,
    "typing.TypeAliasType": _type_alias,
    "typing_extensions.TypeAliasType": _type_alias,
    "importlib.import_module": _import_module,
    "builtins.__import__": _import_module,
    "asyncio.run": _first,
    "copy.copy": _first,
    "copy.deepcopy": _first,
    "inspect.unwrap": _first,
}
