# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Settings from the environment, `.env` and secret files; weak ones stop the start."""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from app.core.settings_findings import core_findings
from app.core.store_urls import DatabaseUrl


def _split(value: object) -> object:
    """Return a comma-separated text as a list, anything else as it is."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _split_networks(value: object) -> object:
    """Return networks as a list; "*" becomes everything, so that the findings can name it."""
    parts = _split(value)
    if not isinstance(parts, list):
        return parts
    return [
        network for part in parts for network in (("0.0.0.0/0", "::/0") if part == "*" else (part,))
    ]


# NoDecode: the environment holds "a,b", not JSON.
CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]
SecretList = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
Networks = Annotated[list[IPv4Network | IPv6Network], NoDecode, BeforeValidator(_split_networks)]

# Where Docker and Kubernetes put secrets unless SECRETS_DIR says otherwise.
_DEFAULT_SECRETS_DIR = Path("/run/secrets")


class ConfigurationError(Exception):
    """The settings are not safe to start with.

    Args:
        findings: Every reason, one sentence each.
    """

    def __init__(self, findings: list[str]) -> None:
        super().__init__("refusing to start:\n" + "\n".join(f"- {finding}" for finding in findings))
        self.findings = findings


class CoreSettings(BaseSettings):
    """What the service needs before it knows any user. There is no default secret."""

    # hide_input_in_errors: a secret in the wrong variable must not be printed by the error about
    # it.
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

    environment: Literal["local", "production"] = "local"

    secret_key: SecretStr | None = None
    # Newest first; they open what they sealed and seal nothing new.
    secret_key_previous: SecretList = []

    # repr=False: it may hold a password.
    database_url: DatabaseUrl = Field(default="sqlite+aiosqlite:///service.db", repr=False)
    database_pool_size: int = Field(default=10, ge=1)
    # Nobody else can listen between here and the stores (a compose network, a mesh that encrypts):
    # production asks for TLS otherwise (ASVS 12.3.1).
    stores_network_is_private: bool = False

    allowed_hosts: CommaSeparated = ["localhost", "127.0.0.1", "[::1]"]
    cors_origins: CommaSeparated = []
    trusted_proxies: Networks = []
    trusted_proxy_hops: int = Field(default=0, ge=0)

    # Seconds between the request to stop and the stop: /readyz refuses, so that proxies look away.
    shutdown_delay: int = Field(default=0, ge=0, le=60)

    # Bytes. A JSON API needs little; a route that takes uploads sets its own max_body_size.
    max_body_size: int = Field(default=1024 * 1024, ge=1)

    # None: shown everywhere but in production.
    docs_enabled: bool | None = None
    metrics_token: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # Set: logs are named as Google Cloud Logging reads them, with the traces of this project.
    log_google_cloud_project: str | None = None

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_from: str | None = None

    @property
    def production(self) -> bool:
        """Whether the strict rules hold."""
        return self.environment == "production"

    @property
    def shows_docs(self) -> bool:
        """Whether /docs and /openapi.json are served."""
        return not self.production if self.docs_enabled is None else self.docs_enabled

    def findings(self) -> list[str]:
        """Return every reason to refuse these settings; each names the variable and the mend."""
        return core_findings(self)

    def require_safe(self) -> None:
        """Refuse unsafe settings.

        Raises:
            ConfigurationError: With every finding at once.
        """
        if findings := self.findings():
            raise ConfigurationError(findings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read, in this order: arguments, environment, secret files, `.env`."""
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=_secrets_dir(os.environ))
        return init_settings, env_settings, secrets, dotenv_settings


def _secrets_dir(environment: Mapping[str, str]) -> Path | None:
    if configured := environment.get("SECRETS_DIR"):
        return Path(configured)
    return _DEFAULT_SECRETS_DIR if _DEFAULT_SECRETS_DIR.is_dir() else None
