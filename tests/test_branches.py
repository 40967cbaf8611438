"""What no test comes by is named by its text, and needs a reason for as long as it is so."""

import tomllib
from pathlib import Path

from tests.branches import REASONS, covering, judged, uncovered
from tests.matrix.rendering import Rendering
from tools.faults import source_text


def test_lines_and_branches_are_named_by_their_text(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def f(x):\n    if x:\n        return 1\n    return 2\n")
    found = {"app.py": {"missing_lines": [3], "missing_branches": [[2, 3]]}}
    assert list(uncovered(tmp_path, found)) == ["app.py: if x:", "app.py: return 1"]


def test_a_gap_needs_a_reason_and_a_reason_needs_a_gap() -> None:
    assert list(judged(["a.py: x"], {"a.py: x": "it is so"})) == []
    assert list(judged(["a.py: x"], {"a.py: x": ""})) == ["no test comes by a.py: x"]
    assert list(judged([], {"a.py: x": "it was so"})) == ["a reason is left for a.py: x"]


def test_the_trees_that_run_have_every_measured_file(trees: list[Rendering]) -> None:
    every = {
        path for tree in trees for path in tree.files if path.startswith(("app/auth/", "app/core/"))
    }
    assert every == {path for tree in covering(trees) for path in tree.files} & every


def test_every_reason_is_about_a_line_that_exists() -> None:
    for place, reason in tomllib.loads(REASONS.read_text("utf-8"))["reasons"].items():
        file, _, text = place.partition(": ")
        assert text in source_text(file), place
        assert reason
