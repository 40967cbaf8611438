"""What tests/options.toml says each answer adds to a service."""

import functools
import tomllib
from collections.abc import Iterable
from typing import Any

from tests.matrix.questions import ROOT, Answer, Answers, spell
from tools.ownership import sources

ADDED: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(
    (ROOT / "tests" / "options.toml").read_text("utf-8")
)


def added_by(question: str, answer: Answer) -> set[str]:
    """Return the paths that one answer adds; several values of one answer add all of theirs."""
    values = answer if isinstance(answer, tuple) else (answer,)
    entries = [ADDED[question][spell(value)] for value in values]
    return _files(path for entry in entries for path in _named(entry))


def expected(answers: Answers) -> set[str]:
    """Return the files that a combination adds; a folder stands there to be left out whole."""
    added = set[str]().union(*(added_by(name, answer) for name, answer in answers.items()))
    return {path for path in added if not path.endswith("/")}


def optional() -> set[str]:
    """Return every path that some answer adds."""
    return _files(named())


def named() -> set[str]:
    """Return what tests/options.toml names: paths, and folders that end in a slash."""
    entries = (entry for values in ADDED.values() for entry in values.values())
    return {path for entry in entries for path in _named(entry)}


def _named(entry: dict[str, Any]) -> list[str]:
    return [*entry["files"], *entry.get("tests", [])]


def _files(named: Iterable[str]) -> set[str]:
    """Return the paths, with its files in the place of a folder of which no file is named."""
    paths = {*named}
    found = set[str]()
    for path in paths:
        whole = path[-1] == "/" and not any(path != one and one.startswith(path) for one in paths)
        found.update([one for one in _sources() if one.startswith(path)] if whole else [path])
    return found


@functools.cache
def _sources() -> frozenset[str]:
    return frozenset(path for path, _ in sources())
