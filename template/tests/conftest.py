"""Fixtures of your own tests; those of the template come first."""

pytest_plugins = ["tests.auth.support.plugin"]
