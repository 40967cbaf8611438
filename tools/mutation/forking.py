"""How a mutant gets into a process: by a fork with its code swapped in, or by a fresh import."""

import ctypes
import gc
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

ALARM_SECONDS = 90  # a mutant that makes the tests hang is noticed
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
TIME_IS_UP = (f"status {int(signal.SIGALRM)}", "the time is up")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no")


def forked(work: Callable[[], dict[str, Any]], alarm: int = ALARM_SECONDS) -> dict[str, Any]:
    """Run work in a child without output; return its answer, or under "end" how it ended."""
    with tempfile.NamedTemporaryFile("r") as answer:
        pid = os.fork()
        if not pid:
            _be_child(work, Path(answer.name), alarm)
        _, status = os.waitpid(pid, 0)
        with suppress(ProcessLookupError):  # what the child started and did not end
            os.killpg(pid, signal.SIGKILL)
        _end_orphans()
        text = answer.read()
    found: dict[str, Any] = json.loads(text) if text else {"end": f"status {status}"}
    return found


def adopt_orphans() -> None:
    """Become the parent of what children leave behind, servers in sessions of their own (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans() -> None:
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    while listed.exists() and (pids := [*map(int, listed.read_text().split())]):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _be_child(work: Callable[[], dict[str, Any]], answer: Path, alarm: int) -> None:
    os.setpgid(0, 0)
    signal.alarm(alarm)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    try:
        answer.write_text(json.dumps(work()))
    except BaseException:
        answer.write_text(json.dumps({"end": traceback.format_exc()}))
    os._exit(0)


def swap(path: Path, source: str) -> None:
    """Give every function of a file that is imported the code that it has in another source.

    Raises:
        LookupError: No function was found: then no test would see the mutant.
    """
    file, swapped = str(path), 0
    gc.unfreeze()  # what is frozen is not listed
    code = {each.co_qualname: each for each in functions_in(compile(source, file, "exec"))}
    for function in [each for each in gc.get_objects() if type(each) is FunctionType]:
        old = function.__code__
        new = code.get(old.co_qualname) if old.co_filename == file else None
        if new is not None and new.co_freevars == old.co_freevars:
            function.__code__, swapped = new, swapped + 1
    if not swapped:
        raise LookupError(f"no function of {file} was found")


def functions_in(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of every function, at any depth."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from functions_in(constant)


def imported(file: Path, source: str, tests: Sequence[str]) -> str:
    """Run tests in a process that imports another source; return what failed first, "" if none."""
    before = file.read_text("utf-8")
    try:
        file.write_text(source, "utf-8")
        done = subprocess.run(
            [*PYTEST, "-x", *tests],
            capture_output=True,
            text=True,
            check=False,
            timeout=ALARM_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return TIME_IS_UP[1]
    finally:
        file.write_text(before, "utf-8")
        _end_orphans()
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if failed:
        return failed[1]
    return f"status {done.returncode}" if done.returncode else ""
