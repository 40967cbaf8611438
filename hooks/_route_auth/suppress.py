"""`# noqa: AUTH001` and `# ruff: ignore[AUTH001]`, read as ruff reads them."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .findings import Finding

NOQA = re.compile(
    r"#\s*noqa(?P<colon>\s*:\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)?)?", re.IGNORECASE
)
IGNORE = re.compile(r"#\s*ruff\s*:\s*ignore\s*\[(?P<codes>[^\]]*)\]")
FILE = re.compile(
    r"^\s*#\s*(?:ruff|flake8)\s*:\s*noqa(?:\s*:\s*(?P<codes>[A-Z0-9,\s]+))?", re.IGNORECASE
)
CODE = re.compile(r"[A-Z]+[0-9]+")
NEVER = "AUTH900"  # an incomplete check cannot be waved through by a comment


def suppressed(finding: Finding) -> bool:
    """Say whether a comment on the lines of a finding, or for its whole file, silences it."""
    if finding.module is None or finding.code == NEVER:
        return False
    source = finding.module.source
    if b"noqa" not in source.lower() and b"ignore[" not in source:
        return False
    lines = finding.module.text_lines()
    if any(_names(FILE.match(line), finding.code) for line in lines if "noqa" in line.lower()):
        return True
    return any(
        _line(lines[number - 1], finding.code)
        for number in range(finding.line, max(finding.noqa_lines, default=finding.line) + 1)
        if number in finding.noqa_lines and number <= len(lines)
    ) or _above(lines, finding)


def _line(line: str, code: str) -> bool:
    if "#" not in line:
        return False
    if _names(IGNORE.search(line), code):
        return True
    found = NOQA.search(line)
    if found is None or FILE.match(line) or (found["colon"] and not found["codes"]):
        return False  # a colon without a code is a mistake, not permission for everything
    return _names(found, code)


def _above(lines: list[str], finding: Finding) -> bool:
    """`# ruff: ignore[...]` on a line of its own is about the line that follows it."""
    number = finding.line - 2
    while number >= 0 and lines[number].lstrip().startswith("#"):
        if _names(IGNORE.search(lines[number]), finding.code):
            return True
        number -= 1
    return False


def _names(found: re.Match[str] | None, code: str) -> bool:
    """Say whether a comment names a code; a bare `noqa` names all of them."""
    if found is None:
        return False
    codes = found.group("codes")
    if codes is None:
        return True
    return code in CODE.findall(codes.upper())
