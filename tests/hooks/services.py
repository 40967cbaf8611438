"""How tests change a service and run its checks."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NOTHING: Mapping[str, str] = {}
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


def git(directory: Path, *command: str) -> str:
    """Run git with an identity of its own and return what it printed."""
    done = subprocess.run(
        ["git", *IDENTITY, "-c", "commit.gpgsign=false", *command],  # noqa: S607 - git is on PATH
        cwd=directory, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


class Service:
    """A rendered service in a folder of its own."""

    def __init__(self, root: Path) -> None:
        """Take the folder."""
        self.root = root

    def write(self, path: str, text: str) -> None:
        """Write a file, and the folders above it."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, "utf-8")

    def append(self, path: str, text: str) -> None:
        """Add text at the end of a file."""
        self.write(path, self.read(path) + text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that a file holds once."""
        text = self.read(path)
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        self.write(path, text.replace(old, new))

    def read(self, path: str) -> str:
        """Return the text of a file."""
        return (self.root / path).read_text("utf-8")

    def eject(self, path: str, reason: str) -> None:
        """Write the line that ejects a file, where a user writes it."""
        self.replace(
            "pyproject.toml",
            "# ---- yours below ----\n\n[tool.gatehouse.secrets]",
            f'# ---- yours below ----\n"{path}" = "{reason}"\n\n[tool.gatehouse.secrets]',
        )

    def commit(self) -> None:
        """Commit everything, in a repository of its own."""
        if not (self.root / ".git").exists():
            git(self.root, "init", "--quiet", "--initial-branch=main")
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", "a commit")

    def run(
        self,
        hook: str,
        *words: str,
        folder: Path | None = None,
        env: Mapping[str, str] = NOTHING,
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the service's own checks in its folder, or in another one."""
        return subprocess.run(
            [sys.executable, str(self.root / "hooks" / f"{hook}.py"), *words],
            cwd=folder or self.root, env={**os.environ, **env},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def drift(self, *words: str) -> dict[str, Any]:
        """Run the drift check and return its JSON; its exit code agrees with it."""
        done = self.run("template_drift", "--json", *words)
        found: dict[str, Any] = json.loads(done.stdout)
        codes = {"clean": 0, "drift": 1, "unchecked": 2}
        assert done.returncode == codes[found["status"]], done.stderr
        return found


def starts_worth(script: str, folder: Path) -> float:
    """Return what a script and its children compute, in starts of an interpreter.

    The least of seven is taken of both, in turn: a slow or busy machine is so for both.
    """
    bare, own = [], []
    for _ in range(7):
        bare.append(_processor_time(["-c", ""], folder))
        own.append(_processor_time([script], folder))
    return min(own) / min(bare)


def _processor_time(arguments: list[str], folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
