"""The combinations of answers, derived from copier.yml so that a new value cannot be forgotten."""

import functools
import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template"

# One answer as Copier takes it; a tuple is a choice of several values.
Answer = str | bool | tuple[str, ...]
Answers = Mapping[str, Answer]


@functools.cache
def configuration() -> Mapping[str, Any]:
    """Return copier.yml, parsed."""
    loaded: Mapping[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    return loaded


def questions() -> dict[str, Mapping[str, Any]]:
    """Return the questions of copier.yml in their order."""
    return {name: q for name, q in configuration().items() if not name.startswith("_")}


@functools.cache
def options() -> dict[str, tuple[Answer, ...]]:
    """Return every question with a fixed set of answers, and that set, the default first."""
    found: dict[str, tuple[Answer, ...]] = {}
    for name, question in questions().items():
        default = _as_answer(question.get("default"))
        if question.get("multiselect"):
            values = several(name)
            subsets = (itertools.combinations(values, n) for n in range(len(values) + 1))
            found[name] = tuple(itertools.chain.from_iterable(subsets))
        elif "choices" in question:
            found[name] = tuple(question["choices"].values())
        elif question["type"] == "bool":
            found[name] = (True, False)
        else:
            continue
        found[name] = tuple(sorted(found[name], key=lambda value: value != default))
    return found


def _as_answer(value: Any) -> Answer:
    return tuple(value) if isinstance(value, list) else value


def defaults() -> Answers:
    """Return the default answer of every question that is an option."""
    return {name: values[0] for name, values in options().items()}


def combinations() -> list[Answers]:
    """Return every combination of answers, the defaults first."""
    names = options()
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*names.values())]


def pairwise(candidates: Iterable[Answers] | None = None) -> list[Answers]:
    """Return few combinations, the defaults first, that hold every pair of two answers together.

    Of a choice of several, each value counts by itself: chosen, or not.

    Args:
        candidates: what to choose from; every combination when left out.
    """
    remaining = list(candidates or combinations())
    pairs = [_pairs(answers) for answers in remaining]
    missing = set[frozenset[tuple[str, Answer]]]().union(*pairs)
    chosen: list[Answers] = []
    best = 0
    while missing:
        chosen.append(remaining[best])
        missing -= pairs[best]
        # The first of equals: the choice does not depend on anything but copier.yml.
        best = max(range(len(pairs)), key=lambda number: len(pairs[number] & missing))
    return chosen


def _pairs(answers: Answers) -> set[frozenset[tuple[str, Answer]]]:
    factors = itertools.chain.from_iterable(
        [(f"{name}={each}", each in value) for each in several(name)]
        if isinstance(value, tuple)
        else [(name, value)]
        for name, value in answers.items()
    )
    return {frozenset(pair) for pair in itertools.combinations(factors, 2)}


def several(name: str) -> tuple[str, ...]:
    """Return the values of a choice of several."""
    return tuple(questions()[name]["choices"].values())


def parse(words: Iterable[str]) -> Answers:
    """Return the combination that `question=value` words ask for, defaults elsewhere.

    Raises:
        ValueError: A question or a value does not exist; the message says which ones do.
    """
    answers = dict(defaults())
    for word in words:
        name, _, text = word.partition("=")
        if name not in answers:
            raise ValueError(f"There is no question {name!r}; there are {', '.join(answers)}.")
        values = {spell(value): value for value in options()[name]}
        if text not in values:
            raise ValueError(f"{name} is one of {', '.join(values)}, not {text!r}.")
        answers[name] = values[text]
    return answers


def spell(value: Answer) -> str:
    """Return one answer as a word of a command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else "+".join(value)


def command_words(answers: Answers) -> str:
    """Return the words that `parse` reads back, the defaults left out."""
    usual = defaults()
    words = [f"{name}={spell(v)}" for name, v in answers.items() if v != usual[name]]
    return " ".join(words)


def title(answers: Answers) -> str:
    """Return one line for people: every answer, in the order of copier.yml."""
    return " ".join(f"{name}={spell(value)}" for name, value in answers.items())
