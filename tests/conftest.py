"""Every combination of answers, rendered once for all tests."""

import os
from pathlib import Path

import pytest

from tests.matrix.questions import combinations
from tests.matrix.rendering import Rendering, digests, distinct_trees, render_all


@pytest.fixture(scope="session")
def renderings(tmp_path_factory: pytest.TempPathFactory) -> list[Rendering]:
    """Every combination, rendered; those of the matrix run when it started this one."""
    if rendered := os.environ.get("GATEHOUSE_RENDERINGS"):
        return [
            Rendering(answers, directory, digests(directory))
            for answers, directory in zip(
                combinations(), sorted(Path(rendered).iterdir()), strict=True
            )
        ]
    return render_all(combinations(), tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="session")
def trees(renderings: list[Rendering]) -> list[Rendering]:
    """The first rendering of each distinct Python tree."""
    return distinct_trees(renderings)
