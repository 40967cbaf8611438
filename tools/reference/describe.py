"""Run inside a rendered service: prints what it is made of as JSON. It starts nothing."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from prometheus_client import REGISTRY

sys.path.insert(0, str(Path.cwd()))  # the service; this file lies elsewhere

from app.auth.guard import walk_routes
from app.cli import main as command_line
from app.core.errors import AppError
from app.main import create
from app.settings import Settings

_SETTING = re.compile(r"(?:# )?([A-Z][A-Z0-9_]+)=")
_SECTION = re.compile(r"# -{3,} (.+?) -{3,}")


def settings() -> Iterator[dict[str, Any]]:
    """Yield every setting with the comment that .env.example has above it."""
    notes = dict(_notes())
    for name, field in Settings.model_fields.items():
        section, note = notes[name.upper()]
        schema = Settings.model_json_schema()["properties"][name]
        yield {
            "name": name.upper(),
            "section": section,
            "note": note,
            "default": _plain(field.default),
            "bounds": _bounds(schema),
            "choices": schema.get("enum", []),
        }


def _notes() -> Iterator[tuple[str, tuple[str, str]]]:
    section, comment = "", list[str]()
    for line in Path(".env.example").read_text().splitlines():
        if match := _SECTION.fullmatch(line):
            section, comment = match[1], []
        elif match := _SETTING.match(line):
            yield match[1], (section, " ".join(comment))
            comment = []
        elif line.startswith("# "):
            comment.append(line.removeprefix("# "))
        else:
            comment = []


def _plain(default: Any) -> str:
    if isinstance(default, list):
        return ",".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else str(default)


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    return "" if low is None else f"at least {low}"


def endpoints() -> Iterator[dict[str, Any]]:
    """Yield every operation of the OpenAPI document, then the routes outside it."""
    # A secret of no service: nothing is signed and nothing is opened here.
    app = create(Settings(secret_key="for-the-reference-only-0123456789abcdef"))  # noqa: S106
    open_because = {each.path: each.public_reason for each in walk_routes(app.router)}
    document = app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needs = operation.get("security", [])
            yield {
                "route": f"{method.upper()} {path}",
                "summary": operation.get("description", "").partition("\n")[0],
                "authenticated": bool(needs),
                "scopes": sorted(
                    {scope for each in needs for scopes in each.values() for scope in scopes}
                ),
                "reason": open_because.get(path) or "",
                "answers": sorted(operation["responses"]),
                "example": not operation.get("tags", [""])[0].startswith("auth"),
            }
    for path in sorted(set(open_because) - set(document["paths"])):
        yield {
            "route": f"GET {path}",
            "summary": "",
            "authenticated": False,
            "scopes": [],
            "reason": open_because[path],
            "answers": [],
            "example": False,
        }


def commands() -> Iterator[dict[str, Any]]:
    """Yield every command with its arguments and options."""
    yield from _walk(typer.main.get_command(command_line), "python -m app")


def _walk(command: Any, name: str) -> Iterator[dict[str, Any]]:
    for child in getattr(command, "commands", {}).values():
        yield from _walk(child, f"{name} {child.name}")
    if not hasattr(command, "commands"):
        yield {
            "name": name,
            "help": " ".join((command.help or "").split()),
            "parameters": [_parameter(each) for each in command.params if each.name != "help"],
        }


def _parameter(parameter: Any) -> dict[str, str]:
    if parameter.param_type_name == "argument":
        word = parameter.metavar or parameter.name.upper()
        word = word if parameter.required else f"[{word.strip('[]')}]"
    else:
        word = ", ".join([*parameter.opts, *parameter.secondary_opts])
    default = "" if callable(parameter.default) else _plain(parameter.default)
    return {"word": word, "help": getattr(parameter, "help", "") or "", "default": default}


def metrics() -> Iterator[dict[str, Any]]:
    """Yield every number that the service itself counts."""
    names = getattr(REGISTRY, "_collector_to_names")  # noqa: B009 - there is no public way
    for collector in names:
        name = getattr(collector, "_name", "")
        if name and type(collector).__module__ == "prometheus_client.metrics":
            kind = type(collector).__name__.lower()
            yield {
                "name": f"{name}_total" if kind == "counter" else name,
                "kind": kind,
                "labels": list(collector._labelnames),
                "help": collector._documentation,
            }


def errors() -> Iterator[dict[str, Any]]:
    """Yield every error that has an answer."""
    for kind in _subclasses(AppError):
        if not hasattr(kind, "error") or not hasattr(kind, "title"):
            continue
        takes = ["items:write"] if kind.__name__ == "InsufficientScope" else None
        error = kind(takes) if takes else kind()
        yield {
            "status": kind.status,
            "error": kind.error,
            "title": kind.title,
            "meaning": " ".join((kind.__doc__ or "").partition("\n")[0].split()),
            "headers": sorted(error.headers()),
        }


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


if __name__ == "__main__":
    parts = (settings, endpoints, commands, metrics, errors)
    sys.stdout.write(json.dumps({part.__name__: list(part()) for part in parts}))
