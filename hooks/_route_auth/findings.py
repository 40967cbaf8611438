"""Verdicts become findings: one code, one place, one message that says what was looked at."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH118
from __future__ import annotations

from . import syntax as ast
from .audit import Verdict
from .markers import Public
from .objects import Bound, Function, Instance, innermost
from .overrides import overrides
from .protection import describe
from .strength import OPTIONAL, REQUIRED, UNKNOWN
from .values import ExternalCall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .audit import Audit
    from .modules import Module
    from .program import Program

BYPASSING = {"starlette": "Starlette route", "mount": "Mount", "host": "Host"}


class Finding:
    """One finding, with lines and columns counted from 1, the end column exclusive."""

    __slots__ = (
        "code", "column", "end_column", "end_line", "help", "line", "message", "module",
        "noqa_lines", "path",
    )  # fmt: skip

    def __init__(
        self, code: str, module: Module | None, node: ast.AST | None, message: str
    ) -> None:
        self.code = code
        self.message = message
        self.help = ""
        self.module = module
        self.path = module.path if module is not None else ""
        self.line = getattr(node, "lineno", 1)
        self.column = column(module, self.line, getattr(node, "col_offset", 0))
        self.end_line = getattr(node, "end_lineno", None) or self.line
        end = getattr(node, "end_col_offset", None) or 0
        self.end_column = column(module, self.end_line, end)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            self.end_line = self.line
            self.end_column = self.column + 1
        self.noqa_lines: tuple[int, ...] = (self.line, self.end_line)

    @property
    def key(self) -> tuple[str, int, int, str]:
        """The order of findings in a report."""
        return self.path, self.line, self.column, self.code


def column(module: Module | None, line: int, offset: int) -> int:
    """Turn a byte offset of `ast` into a column of characters, from 1."""
    if module is None or not module.source:
        return 1
    lines = module.text_lines()
    if line > len(lines):
        return 1
    return len(lines[line - 1].encode()[:offset].decode(errors="replace")) + 1


def find(program: Program, audit: Audit) -> list[Finding]:
    """Return every finding about a program, in the order of files and lines."""
    found: dict[tuple[object, ...], Finding] = {}
    for verdict in audit.verdicts:
        finding = of_verdict(program, verdict)
        if finding is not None:  # one for each handler at a place, whatever the paths it is under
            found.setdefault((*finding.key, id(innermost(verdict.route.handler))), finding)
    results = list(found.values())
    for code, site, message in program.interpreter.problems:
        results.append(Finding(code, site.module, site.node, message))
    for router, site in program.interpreter.unknown_methods:
        message = f"a method of the router at {router.site} is chosen at run time"
        results.append(Finding("AUTH002", site.module, site.node, message))
    results += overrides(program)
    results += incomplete(program, audit)
    return sorted(results, key=lambda one: one.key)


def of_verdict(program: Program, verdict: Verdict) -> Finding | None:
    """Return the finding about one route, or None when it is in order."""
    code, message = judge(verdict)
    if not code:
        return None
    site = verdict.route.site
    finding = Finding(code, site.module, site.node, message)
    finding.help = advice(program, code)
    handler = verdict.route.handler
    function = handler.function if isinstance(handler, Bound) else handler
    node = function.node if isinstance(function, Function) else None
    if any(one is site.node for one in getattr(node, "decorator_list", [])):
        finding.noqa_lines = (*finding.noqa_lines, getattr(node, "lineno", 0))
    return finding


def judge(verdict: Verdict) -> tuple[str, str]:
    """Return the code and message for a verdict; an empty code when it is in order."""
    route, level, name = verdict.route, verdict.level, f"Route `{verdict.name}`"
    if verdict.public is not None:
        return _judge_public(verdict, verdict.public)
    if level == REQUIRED:
        return "", ""
    if route.kind in BYPASSING:
        what = f"{BYPASSING[route.kind]} `{verdict.name}` ({_mounted(verdict)})"
        return "AUTH003", f"{what} by-passes every dependency"
    checked = f"(checked {', '.join(verdict.checked)})"
    if route.kind == "opaque":
        return "AUTH002", f"Included routes cannot be analysed: {route.unknown} {checked}"
    if level == UNKNOWN or route.unknown or _unknown_handler(verdict):
        why = verdict.by or route.unknown or "its handler is not known"
        return "AUTH002", f"{name} cannot be analysed: {why} {checked}"
    if level == OPTIONAL:
        return "AUTH004", f"{name} has only optional authentication ({verdict.by}) {checked}"
    return "AUTH001", f"{name} has no authentication dependency {checked}"


def _judge_public(verdict: Verdict, public: Public) -> tuple[str, str]:
    if verdict.level == REQUIRED:
        what = f"public and protected ({verdict.by}) at once"
        return "AUTH005", f"Route `{verdict.name}` is {what}"
    if not public.has_reason:
        return "AUTH005", f"Route `{verdict.name}` is public without a reason"
    return "", ""


def handler_name(verdict: Verdict) -> str:
    """Return the name of what answers a route, for people."""
    if verdict.route.kind == "frontend":
        return "front end"
    function = innermost(verdict.route.handler)
    plain = isinstance(function, Function) and function.scope.kind != "function"
    return str(getattr(function, "name", "")) if plain else describe(function)


def _unknown_handler(verdict: Verdict) -> bool:
    return handler_name(verdict) == "something unknown"


def _mounted(verdict: Verdict) -> str:
    handler = verdict.route.handler
    if isinstance(handler, ExternalCall):
        return f"`{handler.name.rpartition('.')[2]}`"
    if isinstance(handler, Instance) and handler.cls is not None:
        return f"`{handler.cls.name}`"
    return f"`{describe(handler)}`"


def advice(program: Program, code: str) -> str:
    """Return what to do about a code, in the words of the project's configuration."""
    auth = program.config.auth[0].rpartition(".")[2] if program.config.auth else "get_current_user"
    public = program.config.public[0].rpartition(".")[2] if program.config.public else ""
    opened = f', or mark it `@{public}(reason="...")`' if public else ""
    if code == "AUTH001":
        return (
            f"Add `Depends({auth})` to the handler, the route, the router or every include{opened}"
        )
    if code == "AUTH002":
        return f"Write the registration out, or guard it with `dependencies=[Depends({auth})]`"
    if code == "AUTH003":
        return f"Serve it from a path operation that depends on `{auth}`{opened}"
    if code == "AUTH004":
        return f"Depend on `{auth}`{opened}"
    return ""


def incomplete(program: Program, audit: Audit) -> Iterator[Finding]:
    """Yield AUTH900 for whatever kept the check from being complete."""
    import os
    import sys

    for module in program.broken:
        error = module.broken
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        message = f"Cannot parse with Python {version}: {error.msg if error else 'unknown error'}"
        finding = Finding("AUTH900", module, None, message)
        finding.line = finding.end_line = getattr(error, "lineno", None) or 1
        finding.column = finding.end_column = max(getattr(error, "offset", None) or 1, 1)
        finding.noqa_lines = ()
        yield finding
    missing = [f"`{name}` in `{key}` resolves to nothing" for key, name in program.missing]
    if not program.config.auth and not program.config.wrappers:
        missing.append("`auth` names no authentication dependency")
    if not audit.verdicts:
        missing.append("no route was found under " + ", ".join(program.config.src))
    for message in missing:
        finding = Finding("AUTH900", None, None, message)
        finding.path = os.path.join(program.config.root, "pyproject.toml")
        finding.noqa_lines = ()
        yield finding
