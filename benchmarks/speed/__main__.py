"""Gatehouse beside other ways to authenticate a request, on real PostgreSQL, Redis and uvicorn.

python -m benchmarks.speed --uv UV            everything: about 25 minutes
python -m benchmarks.speed --uv UV --quick    fewer and shorter rounds: a few minutes
                           --groups main      some groups only, see variants.py
                           --only REGEX       some variants only
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from benchmarks.speed.measuring import Figures, Session
from benchmarks.speed.report import ROOT, machine, write
from benchmarks.speed.servers import APPS
from benchmarks.speed.stores import open_bench
from benchmarks.speed.variants import Group, of_group

GROUPS: tuple[Group, ...] = ("main", "cache", "single", "workers", "logging")
FULL, QUICK = (7, 2.0), (3, 0.7)  # rounds, and seconds of one measurement


def main() -> int:
    """Measure what the command line asks for; return 1 when something could not be measured."""
    arguments = _arguments()
    uvloop.install()
    rounds, seconds = QUICK if arguments.quick else FULL
    rounds, seconds = arguments.rounds or rounds, arguments.seconds or seconds
    began = time.monotonic()
    figures: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # PostgreSQL may run as another user
        with open_bench(arguments.uv, scratch) as bench:
            session = Session(bench, _keys(), seconds)
            for group in arguments.groups:
                variants = [
                    each for each in of_group(group) if re.search(arguments.only, each.name)
                ]
                print(f"{group}: {len(variants)} variants", file=sys.stderr, flush=True)
                for each in session.measure_group(variants, rounds):
                    figures.append(each)
                    print(json.dumps({each.variant.name: each.row()}), file=sys.stderr, flush=True)
    how = {"rounds": rounds, "seconds": seconds, "took": round(time.monotonic() - began)}
    partly = bool(arguments.only or set(arguments.groups) != set(GROUPS))
    write(figures, machine() | how, session.failed, docs=not (partly or arguments.no_docs))
    return 1 if session.failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed")
    parser.add_argument("--uv", default="uv", help="makes the environments of the peers")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument("--seconds", type=float, help="how long one measurement takes")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--only", default="", metavar="REGEX", help="variants by name")
    parser.add_argument("--no-docs", action="store_true", help="leave the pages as they are")
    return parser.parse_args()


def _keys() -> dict[str, tuple[str, str]]:
    """Return what signs and what verifies the tokens of the plain routes, by algorithm."""
    made = {}
    for algorithm in ("HS256", "RS256"):
        program = "import json, jwt_route; print(json.dumps(jwt_route.new_key()))"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(APPS), "BENCH_ALGORITHM": algorithm},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        sign, verify = json.loads(done.stdout)
        made[algorithm] = (sign, verify)
    return made


if __name__ == "__main__":
    sys.exit(main())
