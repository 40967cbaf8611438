"""Logout, login under a flood, and refresh, on real PostgreSQL, Redis and uvicorn.

python -m benchmarks.sessions --uv UV            everything: about ten minutes
python -m benchmarks.sessions --uv UV --quick    a look whether it works: a minute or two
                              --no-docs          leave the page as it is
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.sessions.logins import measure_logins
from benchmarks.sessions.logouts import measure_logouts
from benchmarks.sessions.refreshes import measure_refreshes
from benchmarks.sessions.report import missed, write
from benchmarks.sessions.sizes import FULL, QUICK
from benchmarks.speed.report import machine
from benchmarks.speed.stores import open_bench


def main() -> int:
    """Measure, write, and return 1 when an aim was missed, unless it was only a look."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sessions")
    parser.add_argument("--uv", default="uv", help="makes environments, where one is needed")
    parser.add_argument("--quick", action="store_true", help="small numbers; the page stays")
    parser.add_argument("--no-docs", action="store_true", help="leave the page as it is")
    arguments = parser.parse_args()
    sizes, began, circumstances = QUICK if arguments.quick else FULL, time.monotonic(), machine()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # PostgreSQL may run as another user
        with open_bench(arguments.uv, scratch) as bench:
            logouts = [_told(each) for each in measure_logouts(bench, sizes)]
            refreshes = [_told(each) for each in measure_refreshes(bench, sizes)]
            logins = _told(measure_logins(bench, sizes))
    circumstances["took"] = round(time.monotonic() - began)
    docs = not (arguments.quick or arguments.no_docs)
    write(logouts, logins, refreshes, circumstances, docs=docs)
    for each in (late := missed(logouts, logins)):
        print(f"missed: {each}", file=sys.stderr)
    return 1 if late and not arguments.quick else 0


def _told(row: dict[str, Any]) -> dict[str, Any]:
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
