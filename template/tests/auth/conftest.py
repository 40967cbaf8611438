# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Brings the fixtures to the tests of authentication, whatever `tests/conftest.py` says."""

import logging
from collections.abc import Iterator

import pytest
import structlog


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures once, also when `tests/conftest.py` has loaded them already."""
    config.pluginmanager.import_plugin("tests.auth.support.plugin")


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the log of its process, which is ours here."""
    handlers, level = logging.root.handlers[:], logging.root.level
    configuration = structlog.get_config()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**configuration)
