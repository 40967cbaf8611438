"""The end of an update: one summary, for people, for programs, and for a pull request."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field

from .changelog import SecurityEntry
from .conflicts import Conflict
from .plan import Plan


@dataclass
class Summary:
    """What an update did."""

    begin: str
    end: str
    source: str
    security: list[dict[str, object]] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    ejected: list[str] = field(default_factory=list)
    floors: list[str] = field(default_factory=list)
    tests: str = "not run"
    exit: int = 0


def entries(plan: Plan) -> list[dict[str, object]]:
    """Return the security entries of a plan as plain data."""
    return [_entry(entry, concerns=plan.concerns(entry)) for entry in plan.security]


def _entry(entry: SecurityEntry, *, concerns: bool) -> dict[str, object]:
    return {
        "version": entry.version,
        "title": entry.title,
        "affected": entry.affected,
        "files": entry.files,
        "action": entry.action,
        "concerns_this_service": concerns,
    }


def as_json(summary: Summary) -> str:
    """Return the summary for programs."""
    data = asdict(summary)
    return json.dumps({"from": data.pop("begin"), "to": data.pop("end"), **data}, indent=2) + "\n"


def security_lines(found: list[dict[str, object]]) -> list[str]:
    """Return what must be read first: each weakness with its files and what to do."""
    lines = []
    for entry in found:
        mark = "this service has it" if entry["concerns_this_service"] else "not in this release"
        lines.append(
            f"{entry['version']}: {entry['title']} ({mark}; affected: {entry['affected']})"
        )
        files = entry["files"]
        lines.append(f"  files: {', '.join(files) if isinstance(files, list) else ''}")
        lines.append(f"  action: {entry['action']}")
    return lines


def as_text(summary: Summary) -> str:
    """Return the summary for people at a terminal."""
    blocks = _blocks(summary)
    lines = [f"From {summary.begin} to {summary.end}, template {summary.source}"]
    for title, items in blocks:
        lines.append(f"{title}:")
        lines += [f"  {item}" for item in items]
    return "\n".join(lines) + "\n"


def as_markdown(summary: Summary) -> str:
    """Return the summary as the text of a pull request."""
    lines = [f"Updates the template from {summary.begin} to {summary.end}.", ""]
    for title, items in _blocks(summary):
        lines += [f"## {title}", "", "```text", *items, "```", ""]
    return "\n".join(lines)


def _blocks(summary: Summary) -> list[tuple[str, list[str]]]:
    counts = Counter({owner: len(paths) for owner, paths in summary.changed.items()})
    conflicts = [f"{c.path} ({c.owner}, {c.kind}): {c.advice}" for c in summary.conflicts]
    blocks = [
        ("Security fixes contained", security_lines(summary.security) or ["none"]),
        ("Files changed", [", ".join(f"{n} {owner}" for owner, n in counts.items()) or "none"]),
        ("Conflicts", conflicts or ["none"]),
    ]
    optional = [
        ("Answers that changed by themselves", summary.answers),
        ("Template files that are missing, so that no fix reaches them", summary.missing),
        ("Ejected files that the template changed: look yourself", summary.ejected),
        ("Below the floor in uv.lock", summary.floors),
    ]
    blocks += [(title, items) for title, items in optional if items]
    return [*blocks, ("Guarantees", [summary.tests])]
