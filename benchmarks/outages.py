"""Ten thousand revocations under load while Redis fails: no revoked token may be accepted.

python -m benchmarks.outages                   both ways to check: about ten minutes
                            --revocations 700  fewer of them
                            --no-docs          leave the page as it is

Runs `tests/auth/test_revocation_outages.py` of the default service, and writes what was seen to
reports/outages.json and into the explanation of the lease.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.report import with_figures
from tests.matrix.questions import ROOT, defaults
from tests.matrix.rendering import render
from tests.matrix.servers import shared_postgres

PAGE = ROOT / "docs" / "explanation" / "revocation-lease.md"
FIGURES = ROOT / "reports" / "outages.json"
BEGIN = "<!-- figures: written by make outages -->"
TEST = "tests/auth/test_revocation_outages.py"
NO_HURRY = "faulthandler_timeout=3600"  # a test of minutes is taken for one that hangs
Row = Mapping[str, Any]


def main() -> int:
    """Run the test, print the table and write it down; return the test's exit status."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="gatehouse-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # PostgreSQL may run as another user
        render(defaults(), scratch / "service")
        seen = scratch / "figures"
        with shared_postgres(scratch / "service") as postgres:
            settings = {
                "REQUIRE_REAL_SERVICES": "1",
                "OUTAGE_REVOCATIONS": str(arguments.revocations),
                "OUTAGE_FIGURES": str(seen),
            }
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-o", NO_HURRY, TEST],
                cwd=scratch / "service",
                env={**os.environ, **postgres, **settings},
                check=False,
            )
        rows = [json.loads(line) for line in seen.read_text("utf-8").splitlines()]
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    print(table(rows))
    if not (arguments.no_docs or done.returncode):
        PAGE.write_text(with_figures(PAGE.read_text("utf-8"), table(rows), BEGIN), "utf-8")
    return done.returncode


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outages")
    parser.add_argument("--revocations", type=int, default=10_000, help="for each way to check")
    parser.add_argument("--no-docs", action="store_true", help="leave the page as it is")
    return parser.parse_args()


def table(rows: Sequence[Row]) -> str:
    """Return what was seen as a table in Markdown, with a sum for each way to check."""
    lines = [
        "| check | Redis was | logouts answered 204 | logouts answered 503 | tokens presented "
        "| answered 503 | wrong answers |",
        "|---|---|---|---|---|---|---|",
    ]
    for check in dict.fromkeys(row["check"] for row in rows):
        those = [row for row in rows if row["check"] == check]
        lines += [_line(check, row["trouble"], [row]) for row in those]
        lines.append(_line(check, "all of it", those))
    return "\n".join(lines)


def _line(check: str, trouble: str, rows: Sequence[Row]) -> str:
    sums = [sum(each) for each in zip(*map(_counts, rows), strict=True)]
    logouts, refused, presented, unjudged, wrong = sums
    share = f"{unjudged / presented:.1%}"
    return (
        f"| `{check}` | {trouble} | {logouts:,} | {refused:,} | {presented:,} | {share} | {wrong} |"
    )


def _counts(row: Row) -> tuple[int, int, int, int, int]:
    answers, refused = row["answers"], row["logouts"].get("503", 0)
    presented = sum(answers.values())
    return row["revoked"], refused, presented, answers.get("503", 0), row["wrong"]


if __name__ == "__main__":
    sys.exit(main())
