"""Each distinct deployment, rendered once for all validators."""

import pytest

from tests.deploy.trees import distinct_deploys
from tests.matrix.rendering import Rendering


@pytest.fixture(scope="session")
def deploys(renderings: list[Rendering]) -> list[Rendering]:
    """The first rendering of each distinct set of deployment files."""
    return distinct_deploys(renderings)
