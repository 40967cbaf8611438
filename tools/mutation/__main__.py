"""Breaks what decides about security in a rendered default service, one spot at a time.

python -m tools.mutation                    a fixed sample, then the report
python -m tools.mutation --share 100        every mutant
python -m tools.mutation --minutes 10       as many of the sample as these allow, in a fixed order
python -m tools.mutation --only FILE ...    of these files, without a report
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.matrix.questions import defaults
from tests.matrix.rendering import render
from tools.mutation.keeping import KEPT, keep, kept, still_dead
from tools.mutation.making import Mutant, mutants_of
from tools.mutation.reporting import (
    REPORT,
    SEEN,
    WANTED_PERCENT,
    choices,
    percent,
    report,
    without_reason,
)
from tools.ownership import ROOT

SHARE = 45  # of a hundred: six hundred mutants, a quarter of an hour on a quiet machine


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    arguments = _arguments()
    chosen = choices()
    with tempfile.TemporaryDirectory(prefix="gatehouse-mutants-") as name:
        rendering = render(defaults(), Path(name) / "service")
        service = rendering.directory
        mutants = [
            m for file in arguments.only or chosen["files"] for m in mutants_of(service, file)
        ]
        tried = [mutant for mutant in mutants if is_in_sample(mutant, arguments.share)]
        print(f"{len(mutants)} mutants, {len(tried)} in the sample", flush=True)
        verdicts = still_dead(tried, kept() if not arguments.anew else {})
        left = [mutant for mutant in tried if mutant.id not in verdicts]
        print(f"{len(tried) - len(left)} died before, {len(left)} to try", flush=True)
        seconds = arguments.minutes * 60
        verdicts |= _run(service, left, survey_file(rendering.tree), seconds) if left else {}
        tried = [mutant for mutant in tried if mutant.id in verdicts]
    for mutant in tried:
        if verdicts[mutant.id]["verdict"] != "killed":
            verdict = verdicts[mutant.id]
            print(f"{verdict['verdict']} ({verdict['tests']} tests) {mutant.line}: {mutant.name}")
    run = _summary(mutants, tried, verdicts)
    if not arguments.only:
        SEEN.write_text(json.dumps(run, indent=1) + "\n", "utf-8")
        REPORT.write_text(report(run, chosen), "utf-8")
    for sentence in without_reason(run, chosen):
        print(f"no reason: {sentence}")
    print(f"{percent(run):.1f} % of {len(tried)} died")
    return 0 if percent(run) >= WANTED_PERCENT else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation")
    parser.add_argument("--share", type=int, default=SHARE, help="how many of a hundred")
    parser.add_argument("--only", nargs="+", default=[], metavar="FILE", help="of the service")
    parser.add_argument("--minutes", type=float, default=600, help="for the mutants")
    parser.add_argument("--anew", action="store_true", help="the dead once more, too")
    return parser.parse_args()


def is_in_sample(mutant: Mutant, share: int) -> bool:
    """Tell whether a mutant is tried: its own name decides, so the sample stays the same."""
    return int(mutant.id, 16) % 100 < share


def survey_file(tree: str) -> Path:
    """Return where it is kept which test comes by which line of this very service."""
    KEPT.parent.mkdir(exist_ok=True)
    return KEPT.with_name(f"mutants-survey-{tree[:12]}.json")


def _run(
    service: Path, tried: Sequence[Mutant], survey: Path, seconds: float
) -> dict[str, dict[str, Any]]:
    """Share the mutants out among processes, each with a copy of the service that it may break."""
    reasons = choices()["reasons"]
    # In the order of their digests: what is left when the time is up is left by chance.
    plan = [_row(mutant, reasons) for mutant in sorted(tried, key=lambda mutant: mutant.id)]
    copies = [service.with_name(f"copy-{number}") for number in range(os.cpu_count() or 1)]
    for copy in copies:
        shutil.copytree(service, copy, symlinks=True)
    if not survey.exists():
        _start(copies[0], [], survey, seconds).wait()
    shares = [plan[number :: len(copies)] for number in range(len(copies))]
    started = [_start(*each, survey, seconds) for each in zip(copies, shares, strict=True)]
    for process in started:
        process.wait()
    lines = [line for copy in copies for line in _results(copy).read_text().splitlines()]
    verdicts = {verdict["id"]: verdict for verdict in map(json.loads, lines)}
    keep(tried, verdicts)
    return verdicts


def _row(mutant: Mutant, reasons: Mapping[str, str]) -> dict[str, Any]:
    fields = ("id", "file", "line", "source", "apart")
    # What nobody explained yet is worth more tests.
    return {f: getattr(mutant, f) for f in fields} | {"explained": mutant.name in reasons}


def _results(service: Path) -> Path:
    return service.with_suffix(".jsonl")


def _start(
    service: Path, plan: Sequence[dict[str, Any]], survey: Path, seconds: float
) -> "subprocess.Popen[bytes]":
    file = service.with_suffix(".json")
    file.write_text(json.dumps(plan), "utf-8")
    _results(service).touch()
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tools.mutation.running",
            file,
            _results(service),
            survey,
            str(seconds),
        ],
        cwd=service,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""},
        stdout=subprocess.DEVNULL,
    )


def _summary(
    mutants: Sequence[Mutant], tried: Sequence[Mutant], verdicts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    killed = [mutant for mutant in tried if verdicts[mutant.id]["verdict"] == "killed"]
    return {
        "counts": {
            file: [sum(m.file == file for m in group) for group in (mutants, tried, killed)]
            for file in dict.fromkeys(mutant.file for mutant in mutants)
        },
        "survivors": [mutant.name for mutant in tried if mutant not in killed],
    }


if __name__ == "__main__":
    sys.exit(main())
