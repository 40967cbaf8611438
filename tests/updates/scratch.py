"""Scratch clones of the template with tagged releases, services made from them, and updates."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from _safe_update import command

from tests.matrix.questions import ROOT, Answers
from tests.updates.quick import in_process, run_copier
from tools.releases import recorded

# The tree as it lies here, uncommitted work included, as if it were released now.
HEAD = "99.0.0"
NO_TESTS = ["--no-tests"]
SAFE_UPDATE = ROOT / "hooks" / "safe_update.py"
IDENTITY = {
    "GIT_AUTHOR_NAME": "Team",
    "GIT_AUTHOR_EMAIL": "team@example.com",
    "GIT_COMMITTER_NAME": "Team",
    "GIT_COMMITTER_EMAIL": "team@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(directory: Path, *words: str, **environment: str) -> str:
    """Run git with an identity of its own and return what it prints."""
    done = subprocess.run(
        ["git", *words],  # noqa: S607 - git is on PATH
        cwd=directory,
        env={**os.environ, **IDENTITY, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout


def commit(directory: Path, message: str) -> None:
    """Commit everything that lies there."""
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", message)


@dataclass(frozen=True)
class Origin:
    """A clone of the template, with a tag for each release."""

    path: Path

    def copy(self, path: Path) -> "Origin":
        """Return a clone of this clone, to plant something in."""
        git(self.path.parent, "clone", "--quiet", str(self.path), str(path))
        return Origin(path)

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a text in a file of the template, which must be there once."""
        file = self.path / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new), "utf-8")

    def release(self, version: str, changelog: str = "### Fixed\n- Small things") -> None:
        """Commit everything and tag it; the changelog's newest entry is for this version."""
        file = self.path / "CHANGELOG.md"
        head, _, rest = file.read_text("utf-8").partition("## ")
        entry = f"## {version} (2027-01-01)\n\n{changelog}\n\n"
        file.write_text(f"{head}{entry}## {rest}", "utf-8")
        commit(self.path, f"Release {version}")
        git(self.path, "tag", "--annotate", version, "--message", version)


def make_origin(path: Path) -> Origin:
    """Clone the template, tag what releases.toml records, and the tree as it lies here."""
    git(path.parent, "clone", "--quiet", "--no-checkout", str(ROOT), str(path))
    for release in recorded(ROOT):
        release.read("copier.yml")  # says clearly when the clone is too shallow
        words = ("--annotate", "--force", release.version, release.commit)
        git(path, "tag", *words, "--message", release.version)
    git(path, "add", "--all", GIT_WORK_TREE=str(ROOT), GIT_DIR=str(path / ".git"))
    git(path, "checkout-index", "--all", "--force")
    refresh_manifest(path)
    commit(path, "The tree as it lies here")
    git(path, "tag", "--annotate", HEAD, "--message", HEAD)
    return Origin(path)


def refresh_manifest(path: Path) -> None:
    """Write ownership.toml.jinja of a clone anew."""
    command = [sys.executable, "-m", "tools.manifest"]
    subprocess.run(command, cwd=path, check=True, capture_output=True)


def words_of(answers: Answers) -> list[str]:
    """Return the words of a command line that give these answers to Copier."""
    words = []
    for name, value in answers.items():
        text = value if isinstance(value, str) else json.dumps(value)
        words += ["--data", f"{name}={text}"]
    return words


def render(origin: Origin, path: Path, version: str, answers: Answers) -> Path:
    """Render a release as `copier copy` does."""
    words = ["copy", "--defaults", "--quiet", "--vcs-ref", version, *words_of(answers)]
    done = run_copier([*words, str(origin.path), str(path)], origin.path.parent)
    assert done.ok, done.errors
    return path


def recorded_answers(service: Path) -> Answers:
    """Return what a service answered, with the defaults of its release, which may differ now."""
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text("utf-8"))
    return {name: value for name, value in answers.items() if not name.startswith("_")}


def make_service(
    origin: Origin,
    path: Path,
    version: str = HEAD,
    answers: Answers | None = None,
    *,
    own_repository: bool = True,
) -> Path:
    """Render a release and commit it, as a team does."""
    render(origin, path, version, answers or {})
    if own_repository:
        git(path, "init", "--quiet")
    commit(path, "Begin")
    return path


@dataclass(frozen=True)
class Outcome:
    """What an update came to."""

    code: int
    text: str
    summary: Mapping[str, Any]


def update(service: Path, *words: str) -> Outcome:
    """Run safe_update in this process, without the service's own tests."""
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "summary.json"
        options = [str(service), *NO_TESTS, "--json", str(file), *words]
        with (
            in_process(),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            code = command.main(options)
        summary = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return Outcome(code, printed.getvalue(), summary)


def update_as_a_team_does(service: Path, *words: str, **environment: str) -> Outcome:
    """Run safe_update as a command, with nothing replaced."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "summary.json"
        done = subprocess.run(
            [sys.executable, str(SAFE_UPDATE), "--json", str(file), *words],
            cwd=service,
            env={**os.environ, **IDENTITY, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        summary = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return Outcome(done.returncode, done.stdout + done.stderr, summary)
