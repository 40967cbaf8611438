"""Every branch of app/auth and app/core is run by the services' own tests, or says why not.

python -m tests.branches        (make coverage)

The quick tests of a few trees, which together have every file, run under coverage; what they reach
is merged. Workers in processes of their own are not measured.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.matrix.questions import ROOT, pairwise, title
from tests.matrix.rendering import Rendering, distinct_trees, render_all
from tests.matrix.servers import shared_postgres

REASONS = ROOT / "docs" / "security" / "uncovered.toml"
FOLDERS = ("app/auth/", "app/core/")
# The one file that differs between trees: merged, its lines would mean different things.
WIRING = "app/auth/wiring.py"
SETTINGS = """\
[run]
branch = true
relative_files = true
source =
    app/auth
    app/core
omit = app/auth/wiring.py
concurrency = thread, greenlet
[report]
exclude_also =
    raise NotImplementedError
"""


def main() -> int:
    """Run the tests, merge, print the table; return 1 when a branch has no reason."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-coverage-") as name:
        scratch = Path(name)
        trees = covering(distinct_trees(render_all(pairwise(), scratch / "rendered")))
        (scratch / "coveragerc").write_text(SETTINGS, "utf-8")
        with shared_postgres(trees[0].directory) as postgres, ThreadPoolExecutor(2) as pool:
            good = all(pool.map(lambda tree: _run(tree, scratch, postgres), trees))
        merged = _merged(trees, scratch)
        data = [f"{tree.directory}/.coverage" for tree in trees]
        _coverage(merged, scratch, "combine", "--keep", *data)
        _coverage(merged, scratch, "json", "-q", "-o", "coverage.json")
        print(_coverage(merged, scratch, "report", "--skip-covered", "--show-missing"))
        found = json.loads((merged / "coverage.json").read_text("utf-8"))
        problems = [*judged(uncovered(merged, found["files"]), _reasons())]
    print("\n".join(problems))
    return 1 if problems or not good else 0


def covering(trees: Sequence[Rendering]) -> list[Rendering]:
    """Return a few trees that together have every measured file, the defaults first."""
    chosen, there = [], set[str]()
    for tree in trees:
        files = {path for path in tree.files if path.startswith(FOLDERS)} - {WIRING}
        if files - there:
            chosen.append(tree)
            there |= files
    return chosen


def _run(tree: Rendering, scratch: Path, environment: dict[str, str]) -> bool:
    print(f"running {title(tree.answers)}", flush=True)
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={scratch}/coveragerc"]
    done = subprocess.run(
        [*command, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"],
        cwd=tree.directory,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    print("\n".join(done.stdout.splitlines()[-3 if done.returncode == 0 else -60 :]), flush=True)
    if done.returncode:  # a test that hangs is named there, and there is nothing to merge then
        print(done.stderr[-4000:], flush=True)
    return done.returncode == 0


def _merged(trees: Iterable[Rendering], scratch: Path) -> Path:
    """Put the measured files of all trees into one folder."""
    merged = scratch / "merged"
    for tree in trees:
        shutil.copytree(tree.directory / "app", merged / "app", dirs_exist_ok=True)
    return merged


def _coverage(merged: Path, scratch: Path, *words: str) -> str:
    command = [sys.executable, "-m", "coverage", words[0], f"--rcfile={scratch}/coveragerc"]
    done = subprocess.run(
        [*command, *words[1:]], cwd=merged, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def uncovered(merged: Path, files: dict[str, Any]) -> Iterator[str]:
    """Yield `file: text` of every line that was not run, or from which a way was not taken."""
    for file, found in sorted(files.items()):
        lines = (merged / file).read_text("utf-8").splitlines()
        numbers = {*found["missing_lines"], *(way[0] for way in found["missing_branches"])}
        yield from (f"{file}: {lines[number - 1].strip()}" for number in sorted(numbers))


def judged(found: Iterable[str], reasons: dict[str, str]) -> Iterator[str]:
    """Yield a sentence for what lacks a reason, and for each reason that nothing needs."""
    places = [*found]
    yield from (f"no test comes by {place}" for place in places if not reasons.get(place))
    yield from (f"a reason is left for {place}" for place in reasons if place not in places)


def _reasons() -> dict[str, str]:
    reasons: dict[str, str] = tomllib.loads(REASONS.read_text("utf-8"))["reasons"]
    return reasons


if __name__ == "__main__":
    sys.exit(main())
