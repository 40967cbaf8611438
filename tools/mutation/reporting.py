"""What a run of mutants found, for people: docs/security/mutants.md."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from tools.ownership import ROOT

FOLDER = ROOT / "docs" / "security"
CHOICES = FOLDER / "mutants.toml"
SEEN = FOLDER / "mutants-seen.json"
REPORT = FOLDER / "mutants.md"
WANTED_PERCENT = 90
HEAD = """\
# Mutants of security decisions, and what became of them

Written by `make mutants` from [mutants-seen.json](mutants-seen.json) and
[mutants.toml](mutants.toml); edits here are lost. A mutant is one small change in a file of the
default service that decides about security: a comparison turned, a condition forced or dropped from
a query, a statement removed, a number moved by one. The changes are those of mutmut, without the
ones that only alter a text or put None for a value, and with two more (a forced `if`, a removed
statement). It dies when a test fails that comes by its line, out of the quick tests on SQLite.
Those with PostgreSQL, with workers in processes of their own, and with long stories are not asked,
so that a survivor here may still be caught there.
"""


def choices() -> dict[str, dict[str, str]]:
    """Return the files with why they are chosen, and the reasons of survivors."""
    return tomllib.loads(CHOICES.read_text("utf-8"))


def seen() -> dict[str, Any]:
    """Return what the last run saw."""
    found: dict[str, Any] = json.loads(SEEN.read_text("utf-8"))
    return found


def report(run: Mapping[str, Any], chosen: Mapping[str, Mapping[str, str]]) -> str:
    """Return mutants.md."""
    survivors, counts = run["survivors"], run["counts"]
    made, tried, killed = (sum(each[i] for each in counts.values()) for i in range(3))
    share = "all of them" if tried == made else f"{tried} of them, a sample by their digests,"
    lines = [HEAD, f"{made} mutants; {share} were tried: {killed} died, {percent(run):.1f} %.", ""]
    lines += ["| file | why | made | tried | died |", "|---|---|---|---|---|"]
    for file, why in chosen["files"].items():
        # One that was chosen since the last run was not tried, and says so.
        of_file, tried_here, killed_here = counts.get(file, ("not yet", 0, 0))
        lines.append(f"| `{file}` | {why} | {of_file} | {tried_here} | {killed_here} |")
    lines += ["", "## Survivors", ""]
    lines += [_survivor(name, chosen["reasons"].get(name, "")) for name in survivors]
    return "\n".join(lines) + "\n"


def _survivor(name: str, reason: str) -> str:
    return f"- `{name.replace('`', '')}`\n  {reason or '**no reason given**'}"


def percent(run: Mapping[str, Any]) -> float:
    """Return how many of a hundred mutants died."""
    _, tried, killed = (sum(each[i] for each in run["counts"].values()) for i in range(3))
    return 100 * killed / tried if tried else 0.0


def without_reason(
    run: Mapping[str, Any], chosen: Mapping[str, Mapping[str, str]]
) -> Sequence[str]:
    """Return the survivors that nobody explained."""
    return [name for name in run["survivors"] if not chosen["reasons"].get(name)]
