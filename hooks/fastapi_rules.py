#!/usr/bin/env python3
"""Run ruff's FastAPI rules (FAST) over files that take `APIRouter` from `app.auth`.

Ruff knows a router by its name, `fastapi.APIRouter`, and reads one file at a time, so behind
another name its FAST rules say nothing. Ruff reads copies here, in which that name is added at
the end of the import: every line and column stays. Arguments go to `ruff check`.
"""

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE, NAME = "app.auth", "APIRouter"


def named(text: str) -> str | None:
    """Return a module with each `from app.auth import APIRouter` made plain to ruff.

    Returns:
        None for a module without one, or one that does not parse, which ruff itself reports.
    """
    if NAME not in text:
        return None
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return None
    lines = text.encode().splitlines(keepends=True)
    changed = False
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == SOURCE and not node.level:
            for alias in (alias for alias in node.names if alias.name == NAME):
                row, column = (node.end_lineno or 1) - 1, node.end_col_offset or 0
                added = f"; from fastapi import {NAME} as {alias.asname or NAME}"
                lines[row] = lines[row][:column] + added.encode() + lines[row][column:]
                changed = True
    return b"".join(lines).decode() if changed else None


def main(arguments: list[str]) -> int:
    """Copy, run ruff on the copies, and return its exit code."""
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        for path in (root / "app").rglob("*.py"):
            if (text := named(path.read_text("utf-8"))) is not None:
                copy = Path(folder) / path.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(text, "utf-8")
        ruff = [sys.executable, "-m", "ruff", "check", "--select", "FAST", "--no-cache"]
        command = [*ruff, "--config", str(root / "pyproject.toml"), *arguments]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
        sys.stdout.write(done.stdout.replace(str(Path(folder).resolve()), str(root)))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
