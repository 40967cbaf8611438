"""Runs a command for some seconds at most, leaves no process behind: guarded.py SECONDS WORD...

A test starts servers in sessions of their own, which outlive a killed pytest. Here each orphan
becomes a child of this process (Linux only), so whatever the command started is found and ended.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

LAST_WORDS_SECONDS = 5.0  # what pytest gets to print where each thread stands
GRACE_SECONDS = 2.0  # what helpers get that end by themselves once their parent has
KILLED = 124  # as timeout(1) says it
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


def main(seconds: float, command: list[str]) -> int:
    """Run the command; return its exit status, or `KILLED`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = KILLED
        print(f"killed: did not end in {seconds:g} seconds", flush=True)
        process.send_signal(signal.SIGABRT)  # faulthandler answers it with every thread's stack
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LAST_WORDS_SECONDS)
        process.kill()
    except KeyboardInterrupt:
        code = process.wait(LAST_WORDS_SECONDS)  # it was told as well, and cleans up
    finally:
        _end_the_rest()
    return code if code >= 0 else 128 - code


def _end_the_rest() -> None:
    told = set[int]()
    until = time.monotonic() + GRACE_SECONDS
    while _descendants(os.getpid()) and time.monotonic() < until:
        time.sleep(0.01)
    while left := _descendants(os.getpid()):
        for pid in left:
            if pid not in told:
                print(f"ended what was left behind: {pid} {_command(pid)}", flush=True)
                told.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    _take_in(0)  # their processor time counts


def _take_in(options: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _descendants(ancestor: int) -> list[int]:
    """Return the living processes below one, after taking in those that have ended."""
    _take_in(os.WNOHANG)
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found = [ancestor]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def _processes() -> Iterator[tuple[int, int]]:
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may hold anything.
            state, parent = file.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(file.parent.name), int(parent)


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
    return ""


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
