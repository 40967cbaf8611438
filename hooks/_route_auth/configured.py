"""The names of the configuration, looked up as Python would."""

from __future__ import annotations

from .markers import Annotated, Depends
from .objects import Bound, Function
from .strength import Names
from .values import External, Lazy, ModuleValue, Unknown, Value, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interpreter import Interpreter
    from .modules import Module
    from .protection import Judge


def resolve_names(
    interpreter: Interpreter, judge: Judge, files: list[Module]
) -> list[tuple[str, str]]:
    """Give the judge and the interpreter the values of the configured names.

    Returns:
        Key and name of each that resolves to nothing.
    """
    public, config = Names(), interpreter.config
    missing = []
    for key, names, into in (
        ("public", config.public, public),
        ("auth", config.auth, judge.auth),
        ("optional", config.optional, judge.optional),
        ("wrappers", config.wrappers, judge.wrappers),
    ):
        missing += [(key, name) for name in names if not _resolve(interpreter, files, name, into)]
        # At once: a module that runs for the next name may already use the marker.
        interpreter.public = [getattr(one, "origin", one) for one in public.values]
        interpreter.public_names = public.external
    return missing


def _resolve(interpreter: Interpreter, files: list[Module], dotted: str, into: Names) -> bool:
    """Find what a configured name means; False when it means nothing."""
    parts, sources = dotted.split("."), interpreter.sources
    for length in range(len(parts) - 1, 0, -1):
        module = sources.resolve(".".join(parts[:length]))
        if module is not None:
            return _within(interpreter, module, parts[length:], into)
    if len(parts) < 2 or sources.resolve(parts[0]) is not None:
        return False
    into.external.add(getattr(interpreter.external(dotted), "name", dotted))
    # A misspelt external name is one that no file mentions.
    words = parts[0].encode(), parts[-1].encode()
    return any(all(word in module.source for word in words) for module in files)


def _within(interpreter: Interpreter, module: Module, parts: list[str], into: Names) -> bool:
    value: Value = ModuleValue(module)
    for part in parts:
        value = interpreter.attribute(value, part)
    found = [target for one in options(value) for target in _targets(one)]
    into.values += found
    into.external |= {one.name for one in found if type(one) is External}
    return bool(found)


def _targets(value: Value) -> list[Value]:
    """Return what a configured value stands for: the function behind a Depends or an alias."""
    if isinstance(value, Lazy):
        value = value.force()
    if isinstance(value, Unknown | ModuleValue):
        return []
    if isinstance(value, Depends):
        return [value.target] if value.target is not None else []
    if isinstance(value, Annotated):
        inner = [one for one in value.metadata if isinstance(one, Depends)]
        return _targets(inner[-1]) or [value.base] if inner else []
    if isinstance(value, Bound):
        return [value.function.origin]
    if isinstance(value, Function):
        return [value, value.origin]
    return [value]
