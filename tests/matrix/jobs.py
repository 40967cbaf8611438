"""What a matrix run does: commands, each in a process of its own, and what came out of them."""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# A hung suite must not hang the run. The longest honest one takes twenty minutes, nearly three
# times as long on a slow and busy machine.
TIMEOUT_SECONDS = 4500
# Compiling every library anew costs each suite seconds, where a machine turns its cache off.
BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
# Runs share the folder of their temporary files, and each takes away what old ones left there: when
# two do so at once, one warns after its last test that a folder is not empty, which would fail it.
SIDE_BY_SIDE = "-W 'ignore:(rm_rf) error removing:pytest.PytestWarning'"
# A script, not a module: it runs in a service, which has a package `tests` of its own.
GUARDED = Path(__file__).with_name("guarded.py")


@dataclass(frozen=True)
class Job:
    """One pytest run.

    Attributes:
        name: what kind of run this is, for people.
        title: the answers, or what else is tested.
        reproduce: the one command that runs this again.
        python: the interpreter of the environment.
        directory: where to run.
        arguments: what pytest gets beside the report.
        environment: variables on top of this process's own.
        prepare: a command that makes the environment first.
    """

    name: str
    title: str
    reproduce: str
    python: Path
    directory: Path
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """What came out of one job; times are in seconds, `failures` are names of tests."""

    job: Job
    passed: int
    failed: int
    skipped: Counter[str]
    seconds: float
    core_seconds: float
    output: str
    failures: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing failed and something ran."""
        return not self.failed and self.passed > 0


def run(job: Job, report: Path) -> Outcome:
    """Run a job to its end.

    Args:
        job: what to run.
        report: a path for pytest's JUnit report; nothing lies there yet.
    """
    began = time.monotonic()
    log = report.with_suffix(".log")
    if job.prepare:
        done = _execute(job.prepare, job, log, began)
        if done.returncode:
            return _broken(job, done)
    command = [str(job.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *job.arguments]
    done = _execute([*command, f"--junitxml={report}"], job, log, began)
    if not report.exists():
        return _broken(job, done)
    passed, failures, skipped = _read(report)
    # pytest may fail without a failed test: a warning at exit, a crashed plugin.
    if done.returncode and not failures:
        failures = [_beside_the_tests(done)]
    costs = (done.seconds, done.core_seconds)
    return Outcome(job, passed, len(failures), skipped, *costs, done.output, failures)


@dataclass(frozen=True)
class _Done:
    returncode: int
    output: str
    seconds: float
    core_seconds: float


def _execute(command: Sequence[str], job: Job, log: Path, began: float) -> _Done:
    # An activated environment of the caller would leak into uv and pytest.
    inherited = {name: v for name, v in os.environ.items() if name != "VIRTUAL_ENV"}
    inherited["PYTEST_ADDOPTS"] = f"{inherited.get('PYTEST_ADDOPTS', '')} {SIDE_BY_SIDE}".strip()
    # A file, not a pipe, whose end would wait for every process that holds it.
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(GUARDED), str(TIMEOUT_SECONDS), *command],
            cwd=job.directory,
            env={**inherited, **BYTECODE, **job.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cores = usage.ru_utime + usage.ru_stime
    text = log.read_text("utf-8", errors="replace")
    return _Done(process.returncode, text, time.monotonic() - began, cores)


def _broken(job: Job, done: _Done) -> Outcome:
    costs = (done.seconds, done.core_seconds)
    return Outcome(job, 0, 1, Counter(), *costs, done.output, [_beside_the_tests(done)])


def _beside_the_tests(done: _Done) -> str:
    said = done.output.strip().splitlines()[-1:] or ["without a word"]
    return f"no test of it, but status {done.returncode}: {said[0]}"


def _read(report: Path) -> tuple[int, list[str], Counter[str]]:
    passed = 0
    failures: list[str] = []
    skipped: Counter[str] = Counter()
    # The report is written by our own pytest run, not by a stranger.
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(f"{case.get('classname')}::{case.get('name')}")
        elif (skip := case.find("skipped")) is not None:
            skipped[skip.get("message") or "no reason given"] += 1
        else:
            passed += 1
    return passed, failures, skipped
