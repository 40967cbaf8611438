# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Brings the fixtures to the tests of authentication, whatever `tests/conftest.py` says."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures once, also when `tests/conftest.py` has loaded them already."""
    config.pluginmanager.import_plugin("tests.auth.support.plugin")
