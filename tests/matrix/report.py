"""What a matrix run prints and writes: progress, failures, the table, reports/matrix.json."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.matrix.jobs import Outcome

TAIL_LINES = 80  # of a failed job's output: enough for the failures, short enough to read


@dataclass(frozen=True)
class Run:
    """A whole matrix run; times are in seconds."""

    combinations: int
    trees: int
    outcomes: Sequence[Outcome]
    render_seconds: float
    total_seconds: float
    not_run: Counter[str]
    replaced: Sequence[str] = ()
    # The git tree that a whole run proves; empty where it was another, or not all committed.
    tree: str = ""

    @property
    def passed(self) -> int:
        """Tests passed."""
        return sum(outcome.passed for outcome in self.outcomes)

    @property
    def failed(self) -> int:
        """Tests failed; a job that broke before its tests counts as one."""
        return sum(outcome.failed for outcome in self.outcomes)

    @property
    def skipped(self) -> Counter[str]:
        """Tests skipped, by reason."""
        return sum((outcome.skipped for outcome in self.outcomes), Counter(self.not_run))

    @property
    def core_seconds(self) -> float:
        """What all jobs cost."""
        return sum(outcome.core_seconds for outcome in self.outcomes)

    @property
    def slowest(self) -> Outcome:
        """The job that took longest."""
        return max(self.outcomes, key=lambda outcome: outcome.seconds)

    @property
    def ok(self) -> bool:
        """Whether every job ran and nothing failed."""
        return all(outcome.ok for outcome in self.outcomes)


class Progress:
    """Prints one line for each job that ends, and a failed one's output with its command."""

    def __init__(self, jobs: int, stream: TextIO = sys.stdout) -> None:
        self._jobs = jobs
        self._ended = 0
        self._stream = stream

    def ended(self, outcome: Outcome) -> None:
        """Print what came out of a job."""
        self._ended += 1
        self._print(f"[{self._ended:>3}/{self._jobs}] {_line(outcome)}")
        if not outcome.ok:
            tail = outcome.output.rstrip().splitlines()[-TAIL_LINES:]
            self._print("\n".join(f"      | {line}" for line in tail))
            self._print(f"      answers:   {outcome.job.title}")
            self._print(f"      reproduce: {outcome.job.reproduce}")

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


def _line(outcome: Outcome) -> str:
    counts = f"{outcome.passed:>4} passed {outcome.failed:>3} failed"
    counts += f" {outcome.skipped.total():>3} skipped"
    times = f"{outcome.seconds:6.1f} s {outcome.core_seconds:6.1f} core-s"
    return f"{counts} {times}  {outcome.job.name:<15} {outcome.job.title}"


def conclude(run: Run, file: Path) -> None:
    """Print the table and write the figures; the last line is the count of tests."""
    print("\n" + "-" * 100)
    for outcome in sorted(run.outcomes, key=lambda each: (each.job.name, each.job.title)):
        print(_line(outcome))
    print("-" * 100)
    for reason, number in run.skipped.most_common():
        print(f"skipped {number:>4}: {reason}")
    for sentence in run.replaced:
        print(f"replaced: {sentence}")
    quick = [o.core_seconds for o in run.outcomes if o.job.name == "suite"]
    if quick:
        print(f"costliest suite: {max(quick):.1f} core-seconds")
    print(f"slowest job: {_line(run.slowest)}")
    print(
        f"{run.combinations} combinations rendered in {run.render_seconds:.1f} s, "
        f"{run.trees} distinct trees, {run.total_seconds:.0f} s in all, "
        f"{run.core_seconds:.0f} core-seconds"
    )
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(_figures(run), indent=2) + "\n", "utf-8")
    # Last, where whoever is shown only the end of a long output finds it.
    for outcome in run.outcomes:
        for failure in outcome.failures:
            print(f"failed: {outcome.job.name} {outcome.job.title}: {failure}")
    skipped = run.skipped.total()
    print(f"{run.passed} passed, {run.failed} failed, {skipped} skipped", flush=True)


def _figures(run: Run) -> dict[str, object]:
    return {
        "tree": run.tree,
        "combinations": run.combinations,
        "trees": run.trees,
        "tests_passed": run.passed,
        "tests_failed": run.failed,
        "skipped": dict(run.skipped),
        "render_seconds": round(run.render_seconds, 2),
        "total_seconds": round(run.total_seconds, 2),
        "core_seconds": round(run.core_seconds, 2),
        "slowest_job": f"{run.slowest.job.name} {run.slowest.job.title}",
        "slowest_job_seconds": round(run.slowest.seconds, 2),
    }
