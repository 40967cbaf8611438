"""`[tool.route-auth]` in pyproject.toml."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH100, PTH109, PTH113, PTH118, PTH120, PTH123, PTH206
from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LISTS = ("src", "auth", "optional", "public", "wrappers", "exclude")
EXCLUDED = ("tests", "test", "conftest.py", "test_*.py", "*_test.py")


class ConfigurationError(Exception):
    """The configuration cannot be used; the text says which key and what to write."""


class Config:
    """What a project says about its authentication; names are dotted names, never patterns.

    Attributes:
        root: The folder of pyproject.toml.
        src: Folders or files to check, relative to it.
        auth: Dependencies that refuse a request without credentials.
        optional: Dependencies that look at credentials and let everybody through.
        public: Decorators that declare a route public.
        wrappers: Decorators that authenticate around a handler.
        scope: `project` follows imports; `module` counts only protection visible in the file.
        exclude: Names or paths of folders and files that are not checked.
    """

    def __init__(self, root: str, table: dict[str, Any]) -> None:
        self.root = os.path.abspath(root)
        unknown = sorted(set(table) - {*LISTS, "scope"})
        if unknown:
            raise ConfigurationError(f"unknown key `{unknown[0]}` in [tool.route-auth]")
        values = {name: _texts(name, table.get(name, [])) for name in LISTS}
        self.src = values["src"] or ["."]
        self.auth = values["auth"]
        self.optional = values["optional"]
        self.public = values["public"]
        self.wrappers = values["wrappers"]
        self.exclude = values["exclude"] if "exclude" in table else list(EXCLUDED)
        self.scope = table.get("scope", "project")
        if self.scope not in ("project", "module"):
            raise ConfigurationError('`scope` is "project" or "module"')

    def excludes(self, path: str) -> bool:
        """Say whether a file is left out, by its path or by the name of a folder on it."""
        relative = os.path.relpath(path, self.root)
        parts = relative.split(os.sep)
        return any(_matches(pattern.rstrip("/"), relative, parts) for pattern in self.exclude)


def _matches(pattern: str, relative: str, parts: list[str]) -> bool:
    """Say whether a path lies below another, or has a part of that name; `*` is anything."""
    if "/" in pattern:
        return (relative + os.sep).startswith(pattern + os.sep)
    start, star, end = pattern.partition("*")
    if not star:
        return pattern in parts
    return any(
        part.startswith(start) and part.endswith(end) and len(part) >= len(start) + len(end)
        for part in parts
    )


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigurationError(f"`{name}` in [tool.route-auth] is a list of texts")
    return value


def load(path: str | None) -> Config:
    """Read the configuration from a pyproject.toml: the one given, or the nearest one above.

    Raises:
        ConfigurationError: The file cannot be read, is no TOML, or holds something unknown.
    """
    import tomllib

    file = path or _nearest(os.getcwd())
    if file is None:
        raise ConfigurationError("no pyproject.toml here or above; name one with --config")
    try:
        with open(file, "rb") as stream:
            document = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    table = document.get("tool", {}).get("route-auth")
    if table is None:
        raise ConfigurationError(f"{file} has no [tool.route-auth]")
    return Config(os.path.dirname(os.path.abspath(file)), table)


def _nearest(folder: str) -> str | None:
    """Find the nearest pyproject.toml that has the table, else the nearest one."""
    first = None
    while True:
        candidate = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(candidate):
            first = first or candidate
            with open(candidate, "rb") as file:
                if b"[tool.route-auth]" in file.read():
                    return candidate
        parent = os.path.dirname(folder)
        if parent == folder:
            return first
        folder = parent
