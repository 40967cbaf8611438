"""Every combination of answers, rendered once for all tests."""

import pytest

from tests.matrix.questions import combinations
from tests.matrix.rendering import Rendering, distinct_trees, noted_renderings, render_all


@pytest.fixture(scope="session")
def renderings(tmp_path_factory: pytest.TempPathFactory) -> list[Rendering]:
    """Every combination, to be read and not written to."""
    return noted_renderings() or render_all(combinations(), tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="session")
def trees(renderings: list[Rendering]) -> list[Rendering]:
    """The first rendering of each distinct Python tree."""
    return distinct_trees(renderings)
