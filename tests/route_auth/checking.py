"""Runs the checker on a folder, in this process."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "hooks"))

from _route_auth.audit import Audit  # noqa: E402
from _route_auth.config import Config  # noqa: E402
from _route_auth.findings import Finding, find  # noqa: E402
from _route_auth.listing import rows  # noqa: E402
from _route_auth.program import Program  # noqa: E402


def check(folder: Path) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Return the findings about a program and the list of its routes."""
    table = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["route-auth"]
    program = Program(Config(str(folder), table))
    audit = Audit(program)
    return find(program, audit), rows(audit)
