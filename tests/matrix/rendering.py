"""Renders services in process, ten times faster than the command line and byte for byte the same.

What makes it fast: every core, `git` out of Copier's sight (it starts one process for each file
otherwise), Jinja code that is compiled once for all renderings, and no Jinja for what holds none,
such as most names of files. A test holds the bytes equal to those of the stock command line.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar
from unittest.mock import patch

import copier
import copier._main
from copier._jinja_ext import SandboxedEnvironment
from copier._main import Worker
from plumbum import local

from tests.matrix.questions import ROOT, Answers, combinations

# What a suite never reads: combinations that differ in nothing else are one Python tree.
UNSEEN_BY_TESTS = frozenset(
    {"AGENTS.md", "README.md", "uv.lock", ".copier-answers.yml", "Dockerfile", ".dockerignore"}
)
UNSEEN_FOLDERS = (".github/", "deploy/")
MANIFEST = "ownership.toml"
WORTH_PROCESSES = 16  # combinations; a process compiles all of the template first
RENDERED = "GATEHOUSE_RENDERED"  # an environment variable: the file that `note_renderings` wrote


class CompileOnce(SandboxedEnvironment):
    """A Jinja environment that shares compiled code with every other one of its kind."""

    compiled: ClassVar[dict[tuple[str, str | None], CodeType]] = {}

    def compile(self, source: Any, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Compile a template, or return what the same source compiled to before."""
        if not isinstance(source, str):
            return super().compile(source, name, *args, **kwargs)
        if (source, name) not in self.compiled:
            self.compiled[source, name] = super().compile(source, name, *args, **kwargs)
        return self.compiled[source, name]


_stock_render_string = Worker._render_string


def render_only_jinja(worker: Worker, string: str, extra_context: Any = None) -> str:
    """Render a text, or return it as it is when Jinja would."""
    return _stock_render_string(worker, string, extra_context) if "{" in string else string


@contextmanager
def fast_copier() -> Iterator[None]:
    """Make `copier.run_copy` fast inside this context; the template is read as a plain folder."""
    answers_file = property(lambda worker: worker.template.answers_relpath)
    with (
        local.env(PATH=""),
        patch.object(copier._main, "is_git_available", lambda: False),
        patch.object(copier._main, "SandboxedEnvironment", CompileOnce),
        patch.object(Worker, "_render_string", render_only_jinja),
        patch.object(Worker, "answers_relpath", answers_file),
    ):
        yield


def copy_template(directory: Path) -> Path:
    """Copy the template without its git history into a new folder, as from an archive."""
    directory.mkdir()
    shutil.copy(ROOT / "copier.yml", directory)
    for folder in ("template", "hooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(ROOT / folder, directory / folder, ignore=ignored)
    return directory


@dataclass(frozen=True)
class Rendering:
    """One rendered service: its answers, its directory, and the SHA-256 of each file by path."""

    answers: Answers
    directory: Path
    files: Mapping[str, str]

    def read(self, path: str) -> str:
        """Return one rendered file's text."""
        return (self.directory / path).read_text("utf-8")

    @property
    def tree(self) -> str:
        """A digest of everything that the service's own tests can see."""
        seen = [
            f"{path} {digest}"
            for path, digest in self.files.items()
            if not _unseen(path) and path != MANIFEST
        ]
        # It lists all files and answers, among them those that no suite sees.
        manifest = self.read(MANIFEST).splitlines() if MANIFEST in self.files else []
        seen += [line for line in manifest if not _unseen(line) and "deploy_target =" not in line]
        return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def _unseen(path: str) -> bool:
    """Tell whether a path, or the path that a line of the manifest begins with, is in no test."""
    path = path.removeprefix('"').partition('"')[0]
    return path in UNSEEN_BY_TESTS or path.startswith(UNSEEN_FOLDERS)


def render(answers: Answers, directory: Path, template: Path = ROOT, **data: str) -> Rendering:
    """Render one combination into a directory that does not exist yet.

    Args:
        answers: the combination.
        directory: takes the service.
        template: the folder that holds copier.yml.
        data: answers to the questions that are no options, such as `project_name`.
    """
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in answers.items()}
    with fast_copier():
        copier.run_copy(
            str(template),
            directory,
            data={**values, **data},
            defaults=True,
            quiet=True,
            settings=copier.Settings(),  # a developer's own settings cannot change results
        )
    return Rendering(answers, directory, digests(directory))


def render_all(those: Sequence[Answers], directory: Path) -> list[Rendering]:
    """Render combinations side by side into numbered folders of a directory, on every core."""
    folders = [directory / f"{number:03}" for number in range(len(those))]
    if len(those) < WORTH_PROCESSES:
        return [*map(render, those, folders)]
    with ProcessPoolExecutor(mp_context=get_context("forkserver")) as pool:
        return [*pool.map(render, those, folders, chunksize=WORTH_PROCESSES)]


def digests(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a directory, by its path there, sorted."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def note_renderings(renderings: Iterable[Rendering], file: Path) -> None:
    """Write where every combination lies and what it holds, for another process to read."""
    file.write_text(json.dumps([[str(each.directory), each.files] for each in renderings]))


def noted_renderings() -> list[Rendering] | None:
    """Return what the process that started this one rendered; None: it did not."""
    if not (file := os.environ.get(RENDERED)):
        return None
    noted = zip(combinations(), json.loads(Path(file).read_text()), strict=True)
    return [Rendering(answers, Path(folder), files) for answers, (folder, files) in noted]


def copied(rendering: Rendering, directory: Path) -> Rendering:
    """Return a rendering in another folder, where it may be worked in."""
    shutil.copytree(rendering.directory, directory)
    return Rendering(rendering.answers, directory, rendering.files)


def distinct_trees(renderings: Iterable[Rendering]) -> list[Rendering]:
    """Return the first rendering of each Python tree."""
    first: dict[str, Rendering] = {}
    for rendering in renderings:
        first.setdefault(rendering.tree, rendering)
    return list(first.values())
