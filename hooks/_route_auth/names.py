"""Names from outside the program: one spelling for each, and what a bare name falls back to."""

from __future__ import annotations

import builtins

from .values import Constant, External, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# The same object under other paths; the value is the spelling that the rest of the checker uses.
ALIASES = {
    "fastapi.applications.FastAPI": "fastapi.FastAPI",
    "fastapi.routing.APIRouter": "fastapi.APIRouter",
    "fastapi.routing.Mount": "starlette.routing.Mount",
    "fastapi.routing.routing.Mount": "starlette.routing.Mount",
    "fastapi.routing.Route": "starlette.routing.Route",
    "fastapi.staticfiles.StaticFiles": "starlette.staticfiles.StaticFiles",
    "starlette.applications.Starlette": "starlette.Starlette",
    "typing_extensions.Annotated": "typing.Annotated",
    "asyncio.coroutines.iscoroutinefunction": "asyncio.iscoroutinefunction",
}
for _name in ("Depends", "Security"):
    ALIASES[f"fastapi.params.{_name}"] = ALIASES[f"fastapi.param_functions.{_name}"] = (
        f"fastapi.{_name}"
    )
# FastAPI's other parameter markers: the last marker in an Annotated wins, and hides a Depends.
PARAMETERS = {"Query", "Path", "Header", "Cookie", "Body", "Form", "File", "Param"}
STARS = {
    "fastapi": (
        "FastAPI",
        "APIRouter",
        "Depends",
        "Security",
        *sorted(PARAMETERS),
        "HTTPException",
    ),
    "fastapi.routing": ("APIRouter", "APIRoute"),
    "typing": ("Annotated", "Optional", "Any"),
    "typing_extensions": ("Annotated",),
    "functools": ("partial", "wraps"),
}
BUILTINS = frozenset(dir(builtins))


def canonical(name: str) -> str:
    """Return the spelling that the checker uses for an external name."""
    return ALIASES.get(name, name)


def external(name: str) -> Value:
    """Return the value of a name that the program does not define."""
    if name in {"typing.TYPE_CHECKING", "typing_extensions.TYPE_CHECKING"}:
        return Constant(False)
    return External(canonical(name))


def builtin(name: str) -> Value:
    """Return what a name means that no scope binds."""
    if name == "__debug__":
        return Constant(True)
    return External(f"builtins.{name}") if name in BUILTINS else Unknown(f"name {name}")


def star_names(module: str) -> Iterator[tuple[str, Value]]:
    """Yield what `from module import *` binds, of the names that matter here."""
    for name in STARS.get(module, ()):
        yield name, external(f"{module}.{name}")


def is_parameter_marker(value: Value) -> bool:
    """Say whether a value is `Query(...)`, `Path(...)` and so on."""
    return (
        isinstance(value, External)
        and value.name.rpartition(".")[2] in PARAMETERS
        and (value.name.startswith("fastapi."))
    )
