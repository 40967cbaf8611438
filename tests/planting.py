"""Plants each fault into a rendered service of its own and demands that its tests fail.

python -m tests.planting                the faults that are new or changed, or whose tests are
python -m tests.planting --all          every fault (make faults ALL=1)
python -m tests.planting ID...          these (make faults IDS="...")
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.questions import parse
from tests.matrix.rendering import render
from tests.matrix.servers import shared_postgres
from tools.faults import SEEN, TABLE, Fault, faults, problems, seen, stale, table

TIMEOUT_SECONDS = 240  # for one fault's tests; one that makes them hang is not caught
Counts = dict[str, str]  # test to "1 of 2": cases that failed
PASSED, FAILED, OTHER = "passed", "failed", "other"


@dataclass(frozen=True)
class Tree:
    """A rendered service whose tests pass, and the variables that its tests get."""

    directory: Path
    environment: Mapping[str, str]


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    arguments = _arguments()
    entries = faults()
    if wrong := list(problems(entries)):
        print("\n".join(wrong))
        return 1
    chosen = _chosen(entries, arguments)
    began = time.monotonic()
    counts: dict[str, Counts] = {}
    with tempfile.TemporaryDirectory(prefix="gatehouse-faults-") as scratch:
        for fault, failed in _plant_all(chosen, Path(scratch), arguments.jobs):
            counts[fault.id] = failed
            _record(entries, counts)  # an interrupted run keeps what it has seen
    _record(entries, counts)
    missed = [name for name, failed in counts.items() if not failed]
    seconds = time.monotonic() - began
    print(f"{len(chosen)} faults planted, {len(missed)} not caught, {seconds:.0f} s")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.planting")
    parser.add_argument("ids", nargs="*", help="faults; else what is new or changed")
    parser.add_argument("--all", action="store_true", help="every fault")
    parser.add_argument("--jobs", type=int, default=2, help="faults at a time")
    return parser.parse_args()


def _chosen(entries: Sequence[Fault], arguments: argparse.Namespace) -> list[Fault]:
    known = {entry.id: entry for entry in entries}
    if unknown := set(arguments.ids) - known.keys():
        sys.exit(f"There is no fault {', '.join(sorted(unknown))}.")
    if arguments.ids:
        return [known[name] for name in arguments.ids]
    return list(entries) if arguments.all else stale(entries, seen())


def _plant_all(chosen: Iterable[Fault], scratch: Path, jobs: int) -> Iterator[tuple[Fault, Counts]]:
    """Plant faults, those of one combination after those of another; yield what failed."""
    by_answers: dict[str, list[Fault]] = defaultdict(list)
    for fault in chosen:
        by_answers[fault.answers].append(fault)
    for number, (answers, group) in enumerate(by_answers.items()):
        directory = render(parse(answers.split()), scratch / f"service-{number}").directory
        with shared_postgres(directory) as postgres:
            tree = Tree(directory, postgres)
            _require_passing(tree, {test for fault in group for test in fault.tests})
            with ThreadPoolExecutor(jobs) as pool:
                planted = {pool.submit(_plant, tree, fault): fault for fault in group}
                yield from ((planted[each], each.result()) for each in as_completed(planted))


def _require_passing(tree: Tree, tests: Iterable[str]) -> None:
    tests = sorted(tests)
    outcomes, output = _outcomes(tree.directory, tests, tree.environment)
    bad = [test for test in tests if set(outcomes[test]) != {PASSED}]
    if bad:
        print(output[-4000:])
        sys.exit(f"These fail, are skipped or are not there without any fault: {', '.join(bad)}")


def _plant(tree: Tree, fault: Fault) -> Counts:
    """Plant one fault in a copy; return how many cases of each test failed, nothing if missed."""
    with tempfile.TemporaryDirectory(dir=tree.directory.parent) as name:
        copy = shutil.copytree(tree.directory, Path(name) / "service")
        for edit in fault.edits:
            text = (copy / edit.file).read_text("utf-8")
            if text.count(edit.find) != 1:
                print(f"MISSED {fault.id}: rendered, {edit.file} has its text not once", flush=True)
                return {}
            (copy / edit.file).write_text(text.replace(edit.find, edit.replace), "utf-8")
        outcomes, output = _outcomes(copy, fault.tests, tree.environment)
    missed = [test for test in fault.tests if FAILED not in outcomes[test]]
    if missed:
        print(f"MISSED {fault.id} by {', '.join(missed)}\n{output[-1500:]}", flush=True)
        return {}
    print(f"caught {fault.id}", flush=True)
    cases = {test: outcomes[test] for test in fault.tests}
    return {test: f"{all_.count(FAILED)} of {len(all_)}" for test, all_ in cases.items()}


def _outcomes(
    directory: Path, tests: Iterable[str], environment: Mapping[str, str]
) -> tuple[Mapping[str, list[str]], str]:
    """Run tests; return the outcome of each one's cases, an error before the test being none."""
    report = directory.parent / f"{directory.name}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"]
    try:
        done = subprocess.run(
            [*command, f"--junitxml={report}", *tests],
            cwd=directory,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return defaultdict(list), "the time is up"
    outcomes: dict[str, list[str]] = defaultdict(list)
    # The report is written by our own pytest run, not by a stranger.
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"
        outcomes[test.partition("[")[0]].append(_outcome(case))
    return outcomes, done.stdout


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None:
        return FAILED
    return PASSED if case.find("error") is None and case.find("skipped") is None else OTHER


def _record(entries: Sequence[Fault], counts: Mapping[str, Counts]) -> None:
    """Write what was seen now and before, and the table made from it."""
    record = seen()
    for entry in entries:
        if counts.get(entry.id):
            record[entry.id] = {"of": entry.fingerprint, "failed": counts[entry.id]}
        elif entry.id in counts:
            record.pop(entry.id, None)
    record = {entry.id: record[entry.id] for entry in entries if entry.id in record}
    SEEN.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
    TABLE.write_text(table(entries, record), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
