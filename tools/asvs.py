"""Holds docs/security/asvs.toml against ids and tests, and writes the tables of SECURITY.md.

`make asvs` writes; tests/test_asvs.py fails when something named is not there or a table is stale.
"""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.ownership import ROOT, TEMPLATE

REQUIREMENTS = ROOT / "docs" / "security" / "asvs.toml"
LEVELS = ROOT / "docs" / "security" / "levels.txt"
SECURITY = ROOT / "SECURITY.md"
BEGIN, END = "<!-- asvs: written by `make asvs` -->", "<!-- asvs: end -->"
STATUSES = ("proved", "documented", "not applicable", "open")
COUNTED_LEVELS = (1, 2, 3)


@dataclass(frozen=True)
class Requirement:
    """One requirement of the standard and what stands for it here.

    Attributes:
        id: The standard's, such as V9.1.1.
        level: 1 to 3.
        text: What it asks for, in our own words.
        tests: What proves it, or with `open` the part of it that holds; `path::name`.
        document: Where the text stands that it asks for; `path#heading`.
        note: A limit of the proof.
        not_applicable: Why there is nothing to protect.
        open: What is missing.
    """

    id: str
    level: int
    text: str
    tests: tuple[str, ...] = ()
    document: str = ""
    note: str = ""
    not_applicable: str = ""
    open: str = ""

    @property
    def status(self) -> str:
        """Return one of `STATUSES`; what is missing goes before what holds."""
        if self.open:
            return "open"
        if self.not_applicable:
            return "not applicable"
        return "documented" if self.document else "proved"


def requirements(file: Path = REQUIREMENTS) -> list[Requirement]:
    """Return what the data file says, in its order.

    Raises:
        TypeError: An entry has a key that it should not have, or lacks one.
    """
    return [
        Requirement(id=name, **{**entry, "tests": tuple(entry.get("tests", ()))})
        for name, entry in tomllib.loads(file.read_text("utf-8")).items()
    ]


def levels() -> dict[str, int]:
    """Return the level of each requirement, as the standard has it."""
    lines = LEVELS.read_text("utf-8").splitlines()
    pairs = [line.split() for line in lines if not line.startswith("#")]
    return {name: int(level) for name, level in pairs}


def problems(entries: list[Requirement], wanted: Mapping[str, int]) -> Iterator[str]:
    """Yield everything that is wrong with the data file, one sentence each."""
    found = {entry.id: entry.level for entry in entries}
    yield from (f"{name} is missing" for name in wanted.keys() - found)
    yield from (f"{name} is not in {LEVELS.name}" for name in found.keys() - wanted)
    for entry in entries:
        if wanted.get(entry.id, entry.level) != entry.level:
            yield f"{entry.id} has level {wanted[entry.id]}, not {entry.level}"
        yield from (f"{entry.id} {wrong}" for wrong in _wrong_with(entry))


def _wrong_with(entry: Requirement) -> Iterator[str]:
    reasons = [entry.not_applicable, entry.open]
    if sum(map(bool, reasons)) > 1 or (entry.not_applicable and (entry.tests or entry.document)):
        yield "is said to be two things at once"
    if not any([*reasons, entry.tests, entry.document]):
        yield "has no test, no document and no reason"
    for text in (entry.text, entry.note, *reasons):
        if text.endswith("..") or text != text.strip() or "|" in text:
            yield f"has an odd text: {text!r}"
    yield from (f"names {test}, which does not exist" for test in entry.tests if not exists(test))
    if entry.document and not has_heading(entry.document):
        yield f"names {entry.document}, which does not exist"


def exists(test: str) -> bool:
    """Tell whether a test is defined in the template, or among the template's own tests."""
    path, _, name = test.partition("::")
    files = [file for file in (TEMPLATE / path, ROOT / path) if file.is_file()]
    return name.startswith("test_") and any(name in tests_of(file) for file in files)


@cache
def tests_of(file: Path) -> frozenset[str]:
    """Return the names of the functions that a module defines at its top."""
    body = ast.parse(file.read_text("utf-8")).body
    return frozenset(
        node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def has_heading(place: str) -> bool:
    """Tell whether a document has the heading that its anchor names."""
    path, _, anchor = place.partition("#")
    if not (ROOT / path).is_file():
        return False
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^\w-]", "", each.lower().replace(" ", "-")) for each in headings}


def counts(entries: list[Requirement]) -> str:
    """Return the table that counts statuses by level."""
    lines = [f"| level | {' | '.join(STATUSES)} | all |", "|---" * (len(STATUSES) + 2) + "|"]
    for level in COUNTED_LEVELS:
        of_level = Counter(entry.status for entry in entries if entry.level == level)
        cells = [str(of_level[status]) for status in STATUSES]
        lines.append(f"| {level} | {' | '.join(cells)} | {of_level.total()} |")
    return "\n".join(lines)


def listing(entries: list[Requirement]) -> str:
    """Return the table of all requirements with what stands for each."""
    lines = ["| id | level | what it asks for | what stands for it |", "|---|---|---|---|"]
    lines += [f"| {e.id} | {e.level} | {e.text} | {answer(e)} |" for e in entries]
    return "\n".join(lines)


def answer(entry: Requirement) -> str:
    """Return what the table says of one requirement."""
    reason = entry.open or entry.not_applicable
    parts = [f"**{entry.status}**: {reason}"] if reason else []
    if entry.document:
        parts.append(f"[{entry.document.partition('#')[2].replace('-', ' ')}]({entry.document})")
    tests = ", ".join(f"`{short(test)}`" for test in entry.tests)
    if tests:
        parts.append(f"What holds: {tests}" if entry.open else tests)
    if entry.note:
        parts.append(entry.note)
    return "<br>".join(parts)


def short(test: str) -> str:
    """Return a test's name without what all of them share."""
    return re.sub(r"^tests/(auth/)?|test_|\.py", "", test)


def section(entries: list[Requirement]) -> str:
    """Return what stands between the markers of SECURITY.md."""
    return f"{BEGIN}\n{counts(entries)}\n\n{listing(entries)}\n{END}"


def updated(text: str, entries: list[Requirement]) -> str:
    """Return SECURITY.md with its tables written anew.

    Raises:
        ValueError: The markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{SECURITY.name} lacks the markers of the ASVS tables")
    return before + section(entries) + after


def main() -> int:
    """Write the tables, or say what is wrong with the data file."""
    entries = requirements()
    if wrong := list(problems(entries, levels())):
        print("\n".join(wrong))
        return 1
    SECURITY.write_text(updated(SECURITY.read_text("utf-8"), entries), "utf-8")
    print(counts(entries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
