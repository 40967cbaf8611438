"""Runs the checker on a folder, in this process, and gives the tests its parts."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from _route_auth import output, sarif
from _route_auth.audit import Audit
from _route_auth.command import main
from _route_auth.config import Config
from _route_auth.findings import Finding, find
from _route_auth.listing import rows
from _route_auth.modules import Module
from _route_auth.options import FORMATS
from _route_auth.program import Program
from _route_auth.rules import RULES

# What a rendered service is checked with.
SERVICE = {
    "src": ["app"],
    "auth": ["app.auth.dependencies.get_current_user"],
    "public": ["app.core.public.public"],
}
HOOKS = Path(__file__).parents[2] / "hooks"

__all__ = ["FORMATS", "HOOKS", "RULES", "Finding", "Module", "check", "main", "output", "sarif"]


def check(folder: Path) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Return the findings about a program and the list of its routes."""
    document = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    table = document["tool"].get("route-auth", SERVICE)
    program = Program(Config(str(folder), table))
    audit = Audit(program)
    return find(program, audit), rows(audit)
