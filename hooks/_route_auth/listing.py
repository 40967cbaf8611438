"""`--list`: every route, what protects it and where."""

from __future__ import annotations

from .findings import handler_name, judge
from .strength import REQUIRED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .audit import Audit, Verdict

HEADINGS = ("Route", "Handler", "Registered at", "Verdict", "By", "Where")


def rows(audit: Audit) -> list[dict[str, Any]]:
    """Return one row for each route and path, ordered by path and method."""
    verdicts = sorted(audit.verdicts, key=lambda one: (one.path or "", one.route.methods))
    found = [_row(one) for one in verdicts]
    # A wrapper that returns one function or another gives a route two handlers: still one route.
    return [row for index, row in enumerate(found) if row not in found[index - 1 : index]]


def _row(verdict: Verdict) -> dict[str, Any]:
    code, _ = judge(verdict)
    public = verdict.public is not None
    protected = verdict.level == REQUIRED
    return {
        "methods": list(verdict.route.methods),
        "path": verdict.path,
        "handler": handler_name(verdict),
        "kind": verdict.route.kind,
        "registered": str(verdict.route.site),
        "verdict": code or ("public" if public else "protected"),
        "by": (verdict.by if protected else "@public" if public else verdict.by) or None,
        "where": str(verdict.where) if protected and verdict.where is not None else None,
    }


def render(audit: Audit, form: str) -> str:
    """Return the list as a table, or as JSON."""
    table = rows(audit)
    if form == "json":
        import json

        return json.dumps(table, indent=2)
    cells = [HEADINGS]
    for row in table:
        path = "(not known)" if row["path"] is None else row["path"] or "/"
        name = f"{','.join(map(str, row['methods'])) or '*'} {path}"
        cells.append((
            name, str(row["handler"]), str(row["registered"]), str(row["verdict"]),
            str(row["by"] or "-"), str(row["where"] or "-"),
        ))  # fmt: skip
    widths = [max(len(line[index]) for line in cells) for index in range(len(HEADINGS))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
             for line in cells]  # fmt: skip
    return "\n".join(lines) + f"\n\n{len(table)} route{'s' if len(table) != 1 else ''}.\n"
