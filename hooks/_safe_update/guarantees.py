"""Runs the service's own checks after an update."""

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

from .processes import run

CHECK_SECONDS = 3600
NO_RUNNER = "cannot be run: install uv, or name the command with --tests"


def command(project: Path, wanted: str) -> list[str]:
    """Return the words that run the checks; none when there is no way."""
    if wanted:
        return shlex.split(wanted)
    if uv := shutil.which("uv"):
        return [uv, "run", "poe", "check"]
    if (poe := project / ".venv" / "bin" / "poe").exists():
        return [str(poe), "check"]
    if importlib.util.find_spec("poethepoet"):
        return [sys.executable, "-m", "poethepoet", "check"]
    return []


def check(project: Path, wanted: str) -> str:
    """Run the checks, with their output to be seen; return "passed" or what went wrong."""
    words = command(project, wanted)
    if not words:
        return NO_RUNNER
    done = run(words, project, CHECK_SECONDS, keep_output=False)
    if done.ok:
        return "passed"
    return f"failed: {shlex.join(words)} ({done.reason})"
