"""What tests/options.toml says each answer adds to a service."""

import tomllib
from typing import Any

from tests.matrix.questions import ROOT, Answer, Answers, spell

ADDED: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(
    (ROOT / "tests" / "options.toml").read_text("utf-8")
)


def added_by(question: str, answer: Answer) -> set[str]:
    """Return the paths that one answer adds; several values of one answer add all of theirs."""
    values = answer if isinstance(answer, tuple) else (answer,)
    entries = [ADDED[question][spell(value)] for value in values]
    return {path for entry in entries for path in [*entry["files"], *entry.get("tests", [])]}


def expected(answers: Answers) -> set[str]:
    """Return the paths that a combination adds to what every service has."""
    return set[str]().union(*(added_by(name, answer) for name, answer in answers.items()))


def optional() -> set[str]:
    """Return every path that some answer adds."""
    return {
        path
        for values in ADDED.values()
        for entry in values.values()
        for path in [*entry["files"], *entry.get("tests", [])]
    }
