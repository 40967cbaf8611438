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
        self.exclude = [pattern.rstrip("/") for pattern in self.exclude]
        self.folders: dict[str, tuple[str, bool]] = {}  # relative, and whether it is left out
        self.scope = table.get("scope", "project")
        if self.scope not in ("project", "module"):
            raise ConfigurationError('`scope` is "project" or "module"')

    def excludes(self, path: str) -> bool:
        """Say whether a file is left out, by its path or by the name of a folder on it."""
        folder, _, name = path.rpartition(os.sep)
        held = self.folders.get(folder)
        if held is None:
            relative = os.path.relpath(folder, self.root)
            held = relative, self._names(relative, relative.split(os.sep))
            self.folders[folder] = held
        relative, left_out = held
        return left_out or self._names(os.path.normpath(f"{relative}/{name}"), [name])

    def _names(self, relative: str, parts: list[str]) -> bool:
        return any(_matches(pattern, relative, parts) for pattern in self.exclude)


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
    file = path or _nearest(os.getcwd())
    if file is None:
        raise ConfigurationError("no pyproject.toml here or above; name one with --config")
    try:
        with open(file, encoding="utf-8") as stream:
            table = _table(stream.read())
    except (OSError, ValueError) as error:  # one that is no TOML is a ValueError
        raise ConfigurationError(f"{file}: {error}") from error
    if table is None:
        raise ConfigurationError(f"{file} has no [tool.route-auth]")
    return Config(os.path.dirname(os.path.abspath(file)), table)


def _table(text: str) -> dict[str, Any] | None:
    """Return the table of a pyproject.toml.

    Importing tomllib takes a tenth of the time that a run may take, and nearly every table is a
    few lists of plain texts, which Python's own syntax reads; whatever else it is, tomllib reads.
    """
    _, found, rest = text.partition("\n[tool.route-auth]\n")
    lines = rest.split("\n[")[0]
    odd = any(mark in lines for mark in ("\\", '"""', "'''"))
    if found and not odd and text.count("route-auth]") == 1:
        table = _plain(lines)
        if table is not None:
            return table
    import tomllib

    found_table: dict[str, Any] | None = tomllib.loads(text).get("tool", {}).get("route-auth")
    return found_table


def _plain(lines: str) -> dict[str, Any] | None:
    """Return what lines of texts and lists of texts say, or None when they are anything else."""
    from . import syntax as ast

    try:
        tree = ast.parse(lines)
    except SyntaxError:
        return None
    table: dict[str, Any] = {}
    for node in tree.body:
        value: Any = getattr(node, "value", None)
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        items = value.elts if isinstance(value, ast.List) else [value]
        plain = all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in items)
        if not isinstance(target, ast.Name) or target.id in table or not plain:
            return None
        texts = [getattr(one, "value", "") for one in items]
        table[target.id] = texts if isinstance(value, ast.List) else texts[0]
    return table


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
