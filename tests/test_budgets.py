"""The limits that keep the template readable: they are numbers, so a machine holds them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.matrix.questions import ROOT
from tools.ownership import sources

MODULE_LINES = 200
FUNCTION_LINES = 30
CONTROL_LINES_PERCENT = 2.0

# Larger than the budget, and why that is better than a split.
LARGE_MODULES: dict[str, str] = {}
LARGE_FUNCTIONS: dict[str, str] = {
    "migrations/auth_versions/auth_0001_accounts_and_sessions.py::upgrade": (
        "a list of tables, written once; a released migration is never edited"
    ),
    "migrations/auth_versions/auth_0002_api_keys.py::_create_api_key": (
        "one table, column by column; a released migration is never edited"
    ),
}

# Who may import whom inside a service: api -> auth -> core, and the user's scopes import nothing.
LAYERS = {
    "core": {"core"},
    "auth": {"core", "auth", "scopes"},
    "scopes": set[str](),
    "models": {"core", "models"},
    "settings": {"core", "auth", "settings"},
}
# The one module where the layers are bound together, and what starts it.
LAYER_EXCEPTIONS: dict[str, str] = {}

CONTROL = re.compile(r"{%")
INCLUDE = re.compile(r'\A# Owned by .*\n{% include "hooks/[a-z_/]+\.py" %}\Z')


def python_files() -> Iterator[tuple[str, Path]]:
    """Yield the Python that people read: the service's, the vendored hooks, the tools."""
    yield from ((path, source) for path, source in sources() if path.endswith(".py"))
    for folder in ("hooks", "tools", "tests", "benchmarks"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if ".venv" in file.parts:
                continue  # tools of tests/deploy that have an environment of their own
            yield f"{folder} of the template: {file.relative_to(ROOT)}", file


def source_tree(file: Path) -> ast.Module:
    """Parse a plain Python file; a rendered one is parsed with the rest of its combination."""
    return ast.parse(file.read_text("utf-8")) if file.suffix == ".py" else ast.Module([], [])


def test_no_python_but_the_wiring_holds_jinja_control() -> None:
    for path, file in python_files():
        text = file.read_text("utf-8")
        if path == "app/auth/wiring.py":
            assert len(text.splitlines()) <= 60, "all choices meet in at most 60 lines"
        elif "of the template" not in path and not INCLUDE.match(text):
            assert not CONTROL.search(text), path


def test_vendored_checks_hold_nothing_that_jinja_would_read() -> None:
    # They reach a service by an include, which renders what it includes.
    for file in (ROOT / "hooks").rglob("*.py"):
        assert not re.search(r"{{|{%|{#", file.read_text("utf-8")), file.name


def test_control_lines_are_few() -> None:
    control = total = 0
    for path, source in sources():
        if path == "uv.lock" or not is_text(source):
            continue
        lines = source.read_text("utf-8").splitlines()
        total += len(lines)
        if source.suffix == ".jinja":
            control += sum(bool(CONTROL.search(line)) for line in lines)
    assert control * 100 <= CONTROL_LINES_PERCENT * total, f"{control} of {total} lines"


def is_text(file: Path) -> bool:
    """Tell whether a file is ours to count: assets of other projects are not."""
    return "static" not in file.parts and file.suffix in {
        *(".py", ".jinja", ".toml", ".yml", ".yaml", ".ini", ".mako", ".md"),
    }


def test_modules_are_short() -> None:
    sizes = {
        path: len(file.read_text("utf-8").splitlines())
        for path, file in python_files()
        # What proves one promise stands in one file, however long the proof.
        if not file.name.startswith("test_")
    }
    too_long = {path: n for path, n in sizes.items() if n > MODULE_LINES}
    assert set(too_long) == set(LARGE_MODULES), too_long


def test_functions_are_short() -> None:
    too_long = {}
    for path, file in python_files():
        for node in ast.walk(source_tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = body_lines(node)
                if size > FUNCTION_LINES:
                    too_long[f"{path}::{node.name}"] = size
    assert set(too_long) == set(LARGE_FUNCTIONS), too_long


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function after its signature and docstring."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:] or body
    return (function.end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_one_way(layer: str) -> None:
    for path, file in python_files():
        if path.startswith(f"app/{layer}") and path not in LAYER_EXCEPTIONS:
            reached = {name.split(".")[1] for name in imports(file) if name.startswith("app.")}
            assert reached <= LAYERS[layer], f"{path} imports app.{reached - LAYERS[layer]}"


def imports(file: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports, wherever in the file."""
    for node in ast.walk(source_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide the direction"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
