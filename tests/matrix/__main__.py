"""Renders combinations, runs their suites four at a time, and ends with a table.

python -m tests.matrix --uv UV                  every combination (make test)
python -m tests.matrix --uv UV --all            and the slow promises in every tree
python -m tests.matrix --uv UV --one WORD...    one combination, by its answers
python -m tests.matrix --uv UV --pythons V...   pairwise combinations on other Python versions
                               --shard 1/4      of any of them the first quarter of the jobs
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.matrix import plan, questions
from tests.matrix.jobs import Job, Outcome, run
from tests.matrix.rendering import (
    Rendering,
    copied,
    distinct_trees,
    note_renderings,
    render_all,
)
from tests.matrix.report import Progress, Run, conclude
from tests.matrix.servers import replaced, shared_postgres
from tests.matrix.shard import WHOLE, Shard
from tools.releases import clean_tree

# Twice the two cores that the figures are for: suites wait for servers, locks and clocks.
PROCESSES = 4
FIGURES = questions.ROOT / "reports" / "matrix.json"


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    arguments = _arguments()
    began = time.monotonic()
    whole = arguments.one is None and not arguments.pythons and arguments.shard == WHOLE
    tree = clean_tree(questions.ROOT) if whole else ""
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as name:
        scratch = Path(name)
        combinations = _combinations(arguments)
        print(f"rendering {len(combinations)} combinations", flush=True)
        renderings = render_all(combinations, scratch / "rendered")
        rendered = scratch / "rendered.json"
        note_renderings(renderings, rendered)
        render_seconds = time.monotonic() - began
        # Suites leave files behind: each runs in a copy.
        trees = [copied(tree, scratch / tree.tree[:12]) for tree in distinct_trees(renderings)]
        with shared_postgres(trees[0].directory) as postgres:
            shared = plan.Plan(arguments.uv, postgres, rendered, arguments.all)
            jobs, not_run = _jobs(arguments, shared, trees)
            jobs = arguments.shard.of(jobs)
            missing = replaced(postgres)
            for sentence in missing:
                print(sentence, flush=True)
            outcomes = _run_all(jobs, scratch)
        total = time.monotonic() - began
        counts = (len(renderings), len(trees))
        ended = Run(*counts, outcomes, render_seconds, total, not_run, missing, tree)
    conclude(ended, FIGURES)
    return 0 if ended.ok else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix")
    parser.add_argument("--uv", required=True, help="the uv program")
    parser.add_argument("--all", action="store_true", help="the slow promises everywhere")
    parser.add_argument("--one", nargs="*", metavar="QUESTION=VALUE", help="one combination")
    parser.add_argument("--own", default="", help="with --one: an environment of its own")
    parser.add_argument("--pythons", nargs="+", default=[], help="Python versions")
    parser.add_argument("--shard", type=Shard.parse, default=WHOLE, help="such as 1/4")
    return parser.parse_args()


def _combinations(arguments: argparse.Namespace) -> Sequence[questions.Answers]:
    if arguments.one is not None:
        try:
            return [questions.parse(arguments.one)]
        except ValueError as reason:
            sys.exit(str(reason))
    return questions.pairwise() if arguments.pythons else questions.combinations()


def _jobs(
    arguments: argparse.Namespace,
    shared: plan.Plan,
    trees: Sequence[Rendering],
) -> tuple[list[Job], Counter[str]]:
    """Return what to run, the longest first, and what this machine cannot run, by reason."""
    not_run: Counter[str] = Counter()
    if arguments.one is not None:
        if arguments.own:
            return [shared.own_environment(trees[0], arguments.own)], not_run
        return [shared.suite(trees[0])], not_run
    if arguments.pythons:
        there = [v for v in arguments.pythons if plan.has_python(shared.uv, v)]
        for version in set(arguments.pythons) - set(there):
            not_run[f"no Python {version} on this machine"] += len(trees)
        return [shared.own_environment(tree, v) for v in there for tree in trees], not_run
    tests = [shared.own_tests(), shared.updates(), shared.stories(), *shared.browsers()]
    return [*tests, *shared.suites(trees)], not_run


def _run_all(jobs: Sequence[Job], scratch: Path) -> list[Outcome]:
    progress = Progress(len(jobs))
    print(f"running {len(jobs)} jobs, {PROCESSES} at a time", flush=True)
    with ThreadPoolExecutor(PROCESSES) as pool:
        futures = [
            pool.submit(run, job, scratch / f"report-{number}.xml")
            for number, job in enumerate(jobs)
        ]
        outcomes = []
        for future in as_completed(futures):
            outcomes.append(future.result())
            progress.ended(outcomes[-1])
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
