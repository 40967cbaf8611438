"""The validators: which files each reads, how it is called, and what it says against them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.matrix.rendering import Rendering

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Validator:
    """One program that reads files of one kind.

    Attributes:
        name: what people call it.
        command: how it is called; the files, relative to the service, come last.
        patterns: which files of a service it reads; `*` matches slashes too.
        fault: a pattern of `patterns` whose file is broken, the text there, and what it becomes.
    """

    name: str
    command: Sequence[str]
    patterns: Sequence[str]
    fault: tuple[str, str, str]

    def files(self, rendering: Rendering) -> list[str]:
        """Return the paths of a service that this validator reads."""
        return [
            path for path in rendering.files if any(fnmatch(path, each) for each in self.patterns)
        ]

    def complaints(self, directory: Path, files: Sequence[str]) -> str:
        """Return what it says against the files; nothing when it agrees."""
        command = [program(self.command[0]), *self.command[1:], *files]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode else ""


def program(name: str) -> str:
    """Return the path of a program of this environment or of the machine; skip without it.

    Where REQUIRE_REAL_SERVICES is set a missing one is a failure.
    """
    if (BIN / name).exists():
        return str(BIN / name)
    if found := shutil.which(name):
        return found
    missing = f"{name} is not on this machine"
    if os.environ.get("REQUIRE_REAL_SERVICES"):
        pytest.fail(missing)
    pytest.skip(missing)


VALIDATORS = [
    Validator(
        "hadolint",
        ["hadolint"],
        ["Dockerfile"],
        ("Dockerfile", "USER 10001:10001\n", "USER root\n"),
    ),
    Validator(
        "yamllint",
        ["yamllint", "--strict", "--config-data", "{extends: relaxed, rules: {line-length: disable}}"],
        [".github/*.yml", "deploy/*.yaml"],
        (".github/workflows/image.yml", "contents: read", "contents: read\n  contents: write"),
    ),
]
