# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Brings the fixtures to the tests of authentication, whatever `tests/conftest.py` says."""

import gc

import pytest

# Collections by the default threshold take an eighth of the run; its garbage fits into memory.
GC_THRESHOLD = 100_000


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures once, also when `tests/conftest.py` has loaded them already."""
    gc.set_threshold(GC_THRESHOLD, 50, 100)
    config.pluginmanager.import_plugin("tests.auth.support.plugin")
