"""The releases so far, as releases.toml records them, and what lay in each."""

import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RECORD = "releases.toml"
MANIFEST = "template/ownership.toml.jinja"


class GitError(Exception):
    """A git command failed; the message says which and why."""


def git(root: Path, *words: str) -> str:
    """Run git in a repository and return what it prints.

    Raises:
        GitError: it failed.
    """
    command = ["git", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GitError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def clean_tree(root: Path) -> str:
    """Return the git tree that is checked out; empty when something is not committed."""
    try:
        dirty = git(root, "status", "--porcelain")
        return "" if dirty else git(root, "rev-parse", "HEAD^{tree}").strip()
    except GitError:
        return ""  # an archive, not a clone


@dataclass(frozen=True)
class Release:
    """One release of the past."""

    root: Path
    version: str
    commit: str

    def read(self, path: str) -> str:
        """Return a file of this release.

        Raises:
            GitError: the clone lacks the commit, as a shallow one does, or the commit the file.
        """
        try:
            return git(self.root, "show", f"{self.commit}:{path}")
        except GitError as error:
            raise GitError(
                f"{error}\nRelease {self.version} is commit {self.commit} ({RECORD}). If this "
                "clone lacks it, run: git fetch --unshallow"
            ) from None

    def questions(self) -> Mapping[str, Any]:
        """Return copier.yml of this release."""
        loaded: Mapping[str, Any] = yaml.safe_load(self.read("copier.yml"))
        return loaded


def recorded(root: Path) -> list[Release]:
    """Return every release, oldest first."""
    text = (root / RECORD).read_text("utf-8")
    entries = tomllib.loads(text)["release"]
    return [Release(root, entry["version"], entry["commit"]) for entry in entries]


def record(root: Path, version: str, commit: str, date: str, *, security: bool) -> None:
    """Append a release to the record."""
    file = root / RECORD
    entry = (
        f'\n[[release]]\nversion = "{version}"\ncommit = "{commit}"\ndate = {date}\n'
        f"security = {str(security).lower()}\n"
    )
    file.write_text(file.read_text("utf-8") + entry, "utf-8")
