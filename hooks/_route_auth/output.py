"""The output formats, in the shape that ruff gives each of them."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH109
from __future__ import annotations

import os

from .rules import RULES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .findings import Finding

CONTEXT = 2  # source lines shown before and after a finding


def render(findings: list[Finding], form: str) -> str:
    """Return a whole report in one of the formats."""
    if form == "json":
        return as_json(findings)
    if form == "sarif":
        from .sarif import as_sarif

        return as_sarif(findings)
    if form == "github":
        return "".join(map(_github, findings))
    if not findings:
        return "All checks passed!\n"
    make = _full if form == "full" else _concise
    count = f"Found {len(findings)} error{'s' if len(findings) != 1 else ''}.\n"
    return "".join(map(make, findings)) + count


def relative(path: str) -> str:
    """Return a path as seen from the working directory, as ruff shows it."""
    return path.removeprefix(os.getcwd() + os.sep)


def _place(finding: Finding) -> str:
    return f"{relative(finding.path)}:{finding.line}:{finding.column}"


def _concise(finding: Finding) -> str:
    return f"{_place(finding)}: {finding.code} {finding.message}\n"


def _github(finding: Finding) -> str:
    text = f"{_place(finding)}: {finding.code} {finding.message}"
    if finding.help:
        text += f"\n  help: {finding.help}"
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    path = finding.path.replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
    place = f"line={finding.line},col={finding.column},"
    place += f"endLine={finding.end_line},endColumn={finding.end_column}"
    if finding.end_line > finding.line:  # columns are only allowed within one line
        place = f"line={finding.line},endLine={finding.end_line}"
    return f"::error title=route-auth ({finding.code}),file={path},{place}::{text}\n"


def _full(finding: Finding) -> str:
    """Draw the source lines around a finding, as ruff draws them."""
    head = f"{finding.code} {finding.message}\n"
    lines = finding.module.text_lines() if finding.module is not None else []
    if not lines:
        return f"{head}--> {_place(finding)}\n\n"
    first = max(finding.line - CONTEXT, 1)
    last = min(finding.end_line + CONTEXT, len(lines))
    while first < finding.line and not lines[first - 1].strip():
        first += 1
    while last > finding.end_line and not lines[last - 1].strip():
        last -= 1
    width = len(str(last))
    pad = " " * width
    drawn = [f"{pad}--> {_place(finding)}", f"{pad} |"]
    several = finding.end_line > finding.line
    for number in range(first, last + 1):
        drawn += _frame_line(finding, lines[number - 1], number, width, several=several)
    if last > finding.end_line:
        drawn.append(f"{pad} |")
    if finding.help:
        drawn.append(f"help: {finding.help}")
    return head + "\n".join(drawn) + "\n\n"


def _frame_line(
    finding: Finding, line: str, number: int, width: int, *, several: bool
) -> list[str]:
    """Draw one line of source; the marked one is underlined, several are bracketed."""
    text = line.expandtabs(4)
    gutter, pad = f"{number:>{width}} |", " " * width + " |"
    if not several:
        drawn = [f"{gutter} {text}".rstrip()]
        if number == finding.line:
            before = len(line[: finding.column - 1].expandtabs(4))
            marks = len(line[: finding.end_column - 1].expandtabs(4)) - before
            drawn.append(f"{pad} {' ' * before}{'^' * max(marks, 1)}")
        return drawn
    if number == finding.line:
        start = len(line[: finding.column - 1].expandtabs(4))
        if line[: finding.column - 1].strip():
            return [f"{gutter}   {text}", f"{pad}  {'_' * (start + 1)}^"]
        return [f"{gutter} / {text}"]
    if finding.line < number < finding.end_line:
        return [f"{gutter} | {text}".rstrip()]
    if number == finding.end_line:
        end = len(line[: finding.end_column - 1].expandtabs(4))
        return [f"{gutter} | {text}", f"{pad} |{'_' * end}^"]
    return [f"{gutter}   {text}".rstrip()]


def as_json(findings: list[Finding]) -> str:
    """Return the findings as ruff's JSON, one object each."""
    import json

    return json.dumps([json_object(one) for one in findings], indent=2) if findings else "[]"


def json_object(finding: Finding) -> dict[str, object]:
    """Return one finding with the keys of ruff's JSON."""
    return {
        "cell": None,
        "code": finding.code,
        "end_location": {"column": finding.end_column, "row": finding.end_line},
        "filename": finding.path,
        "fix": None,
        "location": {"column": finding.column, "row": finding.line},
        "message": finding.message,
        "name": RULES[finding.code].name,
        "noqa_row": finding.line if finding.noqa_lines else None,
        "severity": "error",
        "url": None,
    }
