"""Runs other programs, each with a time limit, and the two ways in which an update ends early."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GIT_SECONDS = 120  # a large repository on a slow disk
NETWORK_SECONDS = 300  # a clone over a slow line
TIMED_OUT = 124  # what timeout(1) answers


class Refusal(Exception):
    """The update cannot begin, and nothing was touched."""


class UpdateFailure(Exception):
    """The update began and could not be finished."""


@dataclass(frozen=True)
class Done:
    """What came out of a program."""

    code: int
    output: str
    errors: str

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.code == 0

    @property
    def reason(self) -> str:
        """The last words of a program that failed."""
        words = (self.errors.strip() or self.output.strip()).splitlines()
        return words[-1] if words else f"exit status {self.code}"


def run(
    command: Sequence[str | Path],
    directory: Path,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    *,
    keep_output: bool = True,
) -> Done:
    """Run a program to its end or to its time limit.

    Args:
        command: the program and its arguments.
        directory: where it runs.
        seconds: after these it is killed; the code is then 124.
        environment: variables on top of this process's own.
        keep_output: collect what it prints; otherwise it prints to where this program prints.
    """
    words = [str(word) for word in command]
    pipe = subprocess.PIPE if keep_output else None
    try:
        done = subprocess.run(
            words,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Done(TIMED_OUT, "", f"{words[0]} took longer than {seconds:.0f} seconds")
    except OSError as error:
        return Done(127, "", f"{words[0]}: {error.strerror}")
    output, errors = done.stdout or b"", done.stderr or b""
    return Done(
        done.returncode, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace")
    )
