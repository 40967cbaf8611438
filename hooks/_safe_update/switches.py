"""Says what a change of an answer loses, before it happens; the template's switches.toml knows."""

import re
import tomllib
from dataclasses import dataclass

ANY = "*"
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Note:
    """What one change of an answer means for a running service.

    Attributes:
        change: the question and both answers.
        loses: what cannot be kept; empty when nothing is lost.
        then: what to do around it.
    """

    change: str
    loses: str
    then: str


def values(answer: str) -> set[str]:
    """Return the values in an answer, of which a list may have several."""
    return set(_WORD.findall(answer))


def notes(text: str, before: dict[str, str], after: dict[str, str]) -> list[Note]:
    """Return what switches.toml says about the answers that differ.

    Args:
        text: switches.toml of the release.
        before: the answers as they are.
        after: those that are asked to change.
    """
    try:
        table = tomllib.loads(text).get("switch", [])
    except tomllib.TOMLDecodeError:
        table = []
    found = []
    for question, answer in after.items():
        old, new = values(before.get(question, "")), values(answer)
        left, joined = old - new, new - old
        for entry in table:
            if (
                entry["question"] == question
                and (left or joined)
                and _matches(entry["from"], left)
                and _matches(entry["to"], joined)
            ):
                change = f"{question}: {before.get(question, 'unset')} -> {answer}"
                found.append(Note(change, entry.get("loses", ""), entry.get("then", "")))
    return found


def _matches(wanted: str, there: set[str]) -> bool:
    """Tell whether a side of an entry is met: "" by all, "*" by any value, a value by itself."""
    return not wanted or (bool(there) if wanted == ANY else wanted in there)
