"""Finds Copier and runs it, so that nothing on this machine but the service decides the result."""

import importlib.util
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .manifest import ANSWERS
from .processes import NETWORK_SECONDS, Done, Refusal, run
from .repository import Repository

FLOOR = "copier>=9.19.1"  # the release that the template asks for; earlier ones have advisories
COPIER_SECONDS = 2 * NETWORK_SECONDS
_SOURCE = "_src_path:"


def find(wanted: str) -> list[str]:
    """Return the words that start Copier: the caller's, this Python's, PATH's, or uv's."""
    if wanted:
        return shlex.split(wanted)
    if importlib.util.find_spec("copier"):
        return [sys.executable, "-m", "copier"]
    if there := shutil.which("copier"):
        return [there]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "--from", FLOOR, "copier"]
    raise Refusal(f"there is no Copier: install uv, or `pip install '{FLOOR}'`, or use --copier")


@dataclass(frozen=True)
class Copier:
    """Copier, for one service."""

    repository: Repository
    command: Sequence[str]

    def update(self, reference: str, data: dict[str, str], kept: Sequence[str]) -> Done:
        """Merge a release into the service.

        Args:
            reference: tag or commit of the template.
            data: answers to change.
            kept: ejected files, which stay as they are.
        """
        words = ["update", "--defaults", "--quiet", "--conflict", "inline", "--vcs-ref", reference]
        for name, value in data.items():
            words += ["--data", f"{name}={value}"]
        for path in kept:
            words += ["--exclude", f"/{path}"]
        return self._run(words)

    def render(self, source: str, reference: str, destination: Path) -> Done:
        """Render a release anew, with the service's answers, into an empty folder."""
        answers = str(self.repository.project / ANSWERS)
        words = ["copy", "--defaults", "--quiet", "--data-file", answers, "--vcs-ref", reference]
        return self._run([*words, source, str(destination)])

    def _run(self, words: Sequence[str]) -> Done:
        with tempfile.TemporaryDirectory(prefix="safe-update-") as name:
            # A developer's own defaults for questions must not change what the team gets.
            settings = Path(name) / "settings.yml"
            settings.write_text("{}\n", "utf-8")
            environment = {"COPIER_SETTINGS_PATH": str(settings), "GIT_TERMINAL_PROMPT": "0"}
            command = [*self.command, *words]
            return run(command, self.repository.project, COPIER_SECONDS, environment)


def write_source(file: Path, source: str) -> str:
    """Write another template into the answers; return the one that was there."""
    lines = file.read_text("utf-8").splitlines(keepends=True)
    (number,) = [n for n, line in enumerate(lines) if line.startswith(_SOURCE)]
    before = lines[number].removeprefix(_SOURCE).strip()
    lines[number] = f"{_SOURCE} {source}\n"
    file.write_text("".join(lines), "utf-8")
    return before


@contextmanager
def source_from(repository: Repository, source: str, *, keep: bool) -> Iterator[None]:
    """Let Copier take the template from elsewhere; it refuses when the answers look edited.

    Args:
        repository: the service.
        source: where the template is; empty changes nothing.
        keep: the answers go on naming it; otherwise this once only.
    """
    if not source:
        yield
        return
    file = repository.project / ANSWERS
    repository.git("update-index", "--assume-unchanged", "--", ANSWERS)
    before = write_source(file, quoted(source))
    try:
        yield
    finally:
        repository.git("update-index", "--no-assume-unchanged", "--", ANSWERS)
        if not keep:
            write_source(file, before)


def quoted(value: str) -> str:
    """Return a text as a YAML scalar."""
    return "'" + value.replace("'", "''") + "'"
