# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The settings that the tests run with, and which of the template's answers this service has."""

import os
import secrets
from importlib.util import find_spec
from typing import Any

from app.settings import Settings

ORIGIN = "https://testserver"
# Long and random enough to be accepted, and worthless: it guards throw-away databases.
SECRET_KEY = "tests-only-Kx3vQm8ZrT1wYb6NcJ5hLd0sGf"

ALGORITHM = "RS256" if find_spec("app.auth.signing_rs256") else "HS256"
ROTATES = find_spec("app.auth.refresh_rotating") is not None
USES_REDIS = find_spec("app.auth.revocation_redis") is not None
REVOKES_ACCESS_TOKENS = find_spec("app.auth.revocation_none") is None


def settings_values(database_url: str, redis_url: str | None = None) -> dict[str, Any]:
    """Return the settings of a test's app by name.

    Args:
        database_url: a migrated database.
        redis_url: given where the service uses Redis.
    """
    values: dict[str, Any] = {
        "environment": "local",
        "log_level": "WARNING",
        "secret_key": SECRET_KEY,
        "database_url": database_url,
        "issuer": ORIGIN,
        "allowed_hosts": "testserver,127.0.0.1",
        # The cheapest argon2id there is; production refuses it.
        "argon2_memory_kib": 8,
        "argon2_passes": 1,
    }
    if redis_url is not None:
        # A prefix of its own lets any number of apps share one Redis.
        values |= {"redis_url": redis_url, "redis_key_prefix": secrets.token_hex(8)}
    return values


def build_settings(values: dict[str, Any]) -> Settings:
    """Return settings from these values alone, whatever the developer's own `.env` says."""
    return Settings(**{"_env_file": None, **values})


def as_environment(values: dict[str, Any]) -> dict[str, str]:
    """Return the environment of a process that runs with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if name not in setting_names()}
    return inherited | {name.upper(): str(value) for name, value in values.items()}


def setting_names() -> set[str]:
    """Return the names of the environment variables that the settings read."""
    return {name.upper() for name in Settings.model_fields}
