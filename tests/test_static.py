"""Every distinct rendered tree passes ruff, its formatter and two type checkers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.matrix.plan import pairwise_trees
from tests.matrix.questions import title
from tests.matrix.rendering import Rendering

BIN = Path(sys.executable).parent
WIRING = re.compile(r"\bwiring\b")


def check(directory: Path, *command: str) -> str:
    """Run a tool in a rendered service; return what it complains about."""
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=directory, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


def unseen_python(trees: list[Rendering]) -> list[tuple[Rendering, list[str]]]:
    """Return each tree with its Python files that no tree before it had with the same content."""
    seen: set[tuple[str, str]] = set()
    found = []
    for tree in trees:
        python = [item for item in tree.files.items() if item[0].endswith(".py")]
        found.append((tree, [path for path, digest in python if (path, digest) not in seen]))
        seen.update(python)
    return [(tree, paths) for tree, paths in found if paths]


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_ruff_finds_nothing(command: str, trees: list[Rendering]) -> None:
    for tree, paths in unseen_python(trees):
        # As a team runs it: what a service excludes, the vendored checks, is linted here.
        options = [*command.split(), "--no-cache", "--force-exclude"]
        complaints = check(tree.directory, "ruff", *options, *paths)
        assert not complaints, f"{title(tree.answers)}\n{complaints}"


def test_the_fast_type_checker_finds_nothing(trees: list[Rendering]) -> None:
    for tree, paths in unseen_python(trees):
        # Beside what is new, whatever names the one file where all choices meet.
        python = [path for path in tree.files if path.startswith("app/") and path.endswith(".py")]
        paths = [path for path in python if path in paths or WIRING.search(tree.read(path))]
        complaints = check(tree.directory, "ty", "check", "--python", sys.prefix, *paths)
        assert not complaints, f"{title(tree.answers)}\n{complaints}"


def test_mypy_strict_finds_nothing(renderings: list[Rendering], tmp_path: Path) -> None:
    cache = tmp_path / "mypy"  # shared: what two trees have in common is read once
    for tree in pairwise_trees(renderings):
        complaints = check(tree.directory, "mypy", "--cache-dir", str(cache))
        assert not complaints, f"{title(tree.answers)}\n{complaints}"
