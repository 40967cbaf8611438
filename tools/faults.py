"""The planted faults: one promise each, the line that breaks it, and the test that must see that.

docs/security/faults.toml holds them, faults-seen.json what the last run saw (`make faults`), and
promises.md the table for people. Nothing here runs a test: tests/planting.py does.
"""

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.ownership import ROOT, TEMPLATE

FOLDER = ROOT / "docs" / "security"
FAULTS = FOLDER / "faults.toml"
SEEN = FOLDER / "faults-seen.json"
TABLE = FOLDER / "promises.md"
SECTIONS = {
    1: "Endpoints and errors",
    2: "Access tokens",
    3: "Passwords",
    4: "Refresh tokens and sessions",
    5: "Revocation",
    6: "Signing keys",
    7: "Login with providers",
    8: "API keys",
    9: "Limits",
    10: "Deny by default",
    11: "Headers, logs, numbers",
}
HEAD = """\
# Promises, tests, and the fault each test was seen to catch

Written by `make faults` from [faults.toml](faults.toml) and [faults-seen.json](faults-seen.json);
edits here are lost. Each fault was planted alone into a freshly rendered service of the default
answers, or of those named beside it. Its tests passed before, and failed with it: the last column
counts the cases that did.
"""
COLUMNS = "| promise | planted fault | test that caught it | cases |\n|---|---|---|---|"


@dataclass(frozen=True)
class Edit:
    """A text that occurs once in a file of the service, and what takes its place."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True)
class Fault:
    """One promise and the fault that breaks it.

    Attributes:
        id: a short name.
        section: a key of `SECTIONS`.
        promise: what holds, one sentence.
        fault: what the planted fault does, a few words.
        edits: how it is planted.
        tests: what must fail then, `path::name`.
        answers: the words of a combination that has these files, when the defaults have not.
    """

    id: str
    section: int
    promise: str
    fault: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    answers: str = ""

    @property
    def fingerprint(self) -> str:
        """A digest of the fault and of its tests as they are written now."""
        edits = [(each.file, each.find, each.replace) for each in self.edits]
        parts = [self.answers, edits, [(test, source_of(test)) for test in self.tests]]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def faults(file: Path = FAULTS) -> list[Fault]:
    """Return what the data file says, in its order.

    Raises:
        TypeError, KeyError: An entry has a key that it should not have, or lacks one.
    """
    return [_fault(name, entry) for name, entry in tomllib.loads(file.read_text("utf-8")).items()]


def _fault(name: str, entry: dict[str, Any]) -> Fault:
    first = {key: entry.pop(key) for key in ("file", "find", "replace")}
    edits = tuple(Edit(**{**first, **more}) for more in [{}, *entry.pop("also", [])])
    return Fault(id=name, edits=edits, tests=tuple(entry.pop("tests")), **entry)


def seen() -> dict[str, Any]:
    """Return what the runs saw, by the id of the fault."""
    found: dict[str, Any] = json.loads(SEEN.read_text("utf-8")) if SEEN.exists() else {}
    return found


def stale(entries: Iterable[Fault], record: Mapping[str, Any]) -> list[Fault]:
    """Return the faults that were never seen caught as they, and their tests, are written now."""
    return [each for each in entries if record.get(each.id, {}).get("of") != each.fingerprint]


def problems(entries: Iterable[Fault]) -> Iterator[str]:
    """Yield everything that is wrong with the data file, one sentence each."""
    entries = list(entries)
    promises = [entry.promise for entry in entries]
    yield from (f"two faults for one promise: {p}" for p in promises if promises.count(p) > 1)
    for entry in entries:
        yield from (f"{entry.id} {wrong}" for wrong in _wrong_with(entry))


def _wrong_with(entry: Fault) -> Iterator[str]:
    if entry.section not in SECTIONS:
        yield f"is about a section that does not exist: {entry.section}"
    if not entry.promise.endswith(".") or "|" in entry.promise + entry.fault:
        yield "has an odd text: a promise is a sentence, without a bar"
    if not entry.tests:
        yield "names no test"
    for edit in entry.edits:
        number = source_text(edit.file).count(edit.find) if edit.find else 0
        if number != 1:
            yield f"is to be planted where it cannot: {edit.file} has its text {number} times"
        if edit.find == edit.replace:
            yield "changes nothing"
    yield from (f"names {test}, which does not exist" for test in entry.tests if not exists(test))


@cache
def source_text(path: str) -> str:
    """Return what the template has under a path of the service, with its Jinja; "" for nothing."""
    for file in (TEMPLATE / path, TEMPLATE / f"{path}.jinja"):
        if file.is_file():
            return file.read_text("utf-8")
    return ""


def exists(test: str) -> bool:
    """Tell whether a test is a function of the service's tests."""
    return bool(source_of(test))


def source_of(test: str) -> str:
    """Return a test's own text, decorators included; "" when it does not exist."""
    path, _, name = test.partition("::")
    return _tests_of(path).get(name, "")


@cache
def _tests_of(path: str) -> dict[str, str]:
    text = source_text(path)
    lines = text.splitlines()
    return {
        node.name: "\n".join(lines[_first_line(node) - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_"
    }


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def table(entries: Iterable[Fault], record: Mapping[str, Any]) -> str:
    """Return promises.md."""
    entries = list(entries)
    caught = len(entries) - len(stale(entries, record))
    lines = [HEAD, f"{caught} promises, {caught} faults, each caught.", ""]
    for section, title in SECTIONS.items():
        rows = [_row(each, record) for each in entries if each.section == section]
        if rows:
            lines += [f"## §{section} {title}", ""]
            lines += [
                "| promise | planted fault | test that caught it | cases |",
                "|---|---|---|---|",
            ]
            lines += [*rows, ""]
    return "\n".join(lines)


def _row(entry: Fault, record: Mapping[str, Any]) -> str:
    files = ", ".join(f"`{path}`" for path in dict.fromkeys(each.file for each in entry.edits))
    fault = f"{entry.fault} ({files}{f'; {entry.answers}' if entry.answers else ''})"
    counts = record.get(entry.id, {}).get("failed", {})
    tests = "<br>".join(f"`{re.sub(r'^tests/(auth/)?|[.]py', '', test)}`" for test in entry.tests)
    cases = "<br>".join(counts.get(test, "not seen") for test in entry.tests)
    return f"| {entry.promise} | {fault} | {tests} | {cases} |"
