# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Brings the fixtures to the tests of authentication, whatever `tests/conftest.py` says."""

import logging
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import structlog

from tests.auth.support.kit import Kit


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures once, also when `tests/conftest.py` has loaded them already."""
    config.pluginmanager.import_plugin("tests.auth.support.plugin")
    if find_spec("tests.auth.support.oauth"):  # a service with login with providers
        config.pluginmanager.import_plugin("tests.auth.support.oauth")
    if find_spec("tests.auth.support.leased"):  # one that uses Redis
        config.pluginmanager.import_plugin("tests.auth.support.leased")


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the log of its process, which is ours here."""
    handlers, level = logging.root.handlers[:], logging.root.level
    configuration = structlog.get_config()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**configuration)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def module_kit(request: pytest.FixtureRequest) -> Kit:
    """Makes what all tests of a module share, on each kind of database."""
    kit: Kit = request.getfixturevalue(f"{request.param}_kit")
    return kit
