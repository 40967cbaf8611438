"""One scratch clone for all tests of updates."""

from pathlib import Path

import pytest

from tests.updates.scratch import Origin, make_origin, make_service


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The template with every release tagged; tests plant nothing in it."""
    return make_origin(tmp_path_factory.mktemp("origin") / "template")


@pytest.fixture
def origin(released: Origin, tmp_path: Path) -> Origin:
    """A clone of it for one test, to plant releases in."""
    return released.copy(tmp_path / "template")


@pytest.fixture
def service(origin: Origin, tmp_path: Path) -> Path:
    """A service with the default answers, made from the tree as it lies here."""
    return make_service(origin, tmp_path / "service")
