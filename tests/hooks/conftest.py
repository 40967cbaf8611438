"""A released template, a service made from it, and a fresh copy of that service for each test."""

import shutil
from pathlib import Path

import copier
import pytest

from tests.hooks.services import Service, git
from tests.matrix.rendering import copy_template


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it lies here, as a git repository with one release, 0.9.0."""
    directory = copy_template(tmp_path_factory.mktemp("released") / "template")
    git(directory, "init", "--quiet")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "0.9.0")
    git(directory, "tag", "0.9.0")
    return directory


@pytest.fixture(scope="session")
def pristine(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with the default answers, never changed."""
    directory = tmp_path_factory.mktemp("pristine") / "service"
    settings = copier.Settings()
    copier.run_copy(str(released), directory, defaults=True, quiet=True, settings=settings)
    return directory


@pytest.fixture
def service(pristine: Path, tmp_path: Path) -> Service:
    """A service with the default answers, to be changed by one test."""
    shutil.copytree(pristine, tmp_path / "service")
    return Service(tmp_path / "service")
