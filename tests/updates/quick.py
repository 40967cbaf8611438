"""Runs Copier in this process for safe_update, several times faster, with the same bytes.

Jinja code is compiled once, a commit of the template is checked out once (Copier does it five times
in one update), and git is not asked for one and the same setting at each file.
`test_drill.py` runs the whole command as a team does, with nothing replaced.
"""

import contextlib
import io
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import copier._main
import copier._template
from _safe_update.copier import Copier
from _safe_update.processes import Done
from copier._cli import CopierApp
from copier._main import Worker
from copier._vcs import clone
from plumbum import local

from tests.matrix.rendering import CompileOnce, render_only_jinja

_checkouts = tempfile.TemporaryDirectory(prefix="checkouts-", ignore_cleanup_errors=True)
_by_commit: dict[str, str] = {}


def _clone_once(url: str, ref: str, location: str) -> str:
    """Check a commit of the template out once for all tests; nothing writes into it."""
    command = ["git", "rev-parse", f"{ref}^{{commit}}"]
    done = subprocess.run(command, cwd=url, capture_output=True, text=True, check=False)
    name = f"{url} {done.stdout or ref}"
    if name not in _by_commit:
        folder = tempfile.mkdtemp(dir=_checkouts.name)
        _by_commit[name] = clone(url, ref, folder)
    return _by_commit[name]


@contextlib.contextmanager
def quick_copier() -> Iterator[None]:
    """Make Copier fast inside this context, without hiding git from it."""
    with (
        patch.object(copier._main, "SandboxedEnvironment", CompileOnce),
        patch.object(copier._template, "clone", _clone_once),
        patch.object(Worker, "_render_string", render_only_jinja),
        patch.object(
            Worker, "answers_relpath", property(lambda self: self.template.answers_relpath)
        ),
        patch.object(Worker, "_sync_git_index_executable_bit", lambda *_: None),
    ):
        yield


def run_copier(words: Sequence[str], directory: Path) -> Done:
    """Do what the command line does with these words, in this process."""
    errors = io.StringIO()
    with (
        quick_copier(),
        local.cwd(directory),
        contextlib.chdir(directory),
        patch.dict(os.environ, COPIER_SETTINGS_PATH=str(_no_settings())),
        contextlib.redirect_stderr(errors),
    ):
        try:
            _, code = CopierApp.run(["copier", *words], exit=False)
        except Exception as error:  # a process would end with this as its last words
            return Done(1, "", f"{errors.getvalue()}\n{type(error).__name__}: {error}")
    return Done(code, "", errors.getvalue())


def _no_settings() -> Path:
    """Return a settings file that sets nothing, so that a developer's own changes no result."""
    file = Path(_checkouts.name) / "no-copier-settings.yml"
    file.write_text("{}\n", "utf-8")
    return file


@contextlib.contextmanager
def in_process() -> Iterator[None]:
    """Let safe_update run Copier in this process inside this context."""

    def run(self: Copier, words: Sequence[str]) -> Done:
        return run_copier(words, self.repository.project)

    with patch.object(Copier, "_run", run):
        yield
