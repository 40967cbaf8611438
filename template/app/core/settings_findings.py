# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What `CoreSettings` refuses, one function a subject, one sentence a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.core.store_urls import database_url_findings
from app.core.weak_secrets import weakness

if TYPE_CHECKING:
    from app.core.settings import CoreSettings

_HOW_TO_MAKE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"


def core_findings(settings: CoreSettings) -> list[str]:
    """Return every reason to refuse the settings of the core."""
    findings = [*_secrets(settings), *_origins(settings), *_proxies(settings)]
    if settings.production:
        findings += [*_hosts(settings), *_stores(settings), *_mail(settings)]
    return findings


def _secrets(settings: CoreSettings) -> Iterator[str]:
    if settings.secret_key is None:
        yield f"SECRET_KEY is missing: run `python -m app bootstrap`, or {_HOW_TO_MAKE}"
    named = [("SECRET_KEY", settings.secret_key), ("METRICS_TOKEN", settings.metrics_token)]
    named += [("SECRET_KEY_PREVIOUS", secret) for secret in settings.secret_key_previous]
    for name, secret in named:
        if secret is not None and (weak := weakness(secret.get_secret_value())):
            yield f"{name} {weak}: {_HOW_TO_MAKE}"


def _origins(settings: CoreSettings) -> Iterator[str]:
    # Refused everywhere: with credentials, "*" lets every web page that a developer opens call the
    # service.
    for origin in settings.cors_origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or "*" in origin:
            yield f"CORS_ORIGINS holds {origin!r}: list exact origins, such as https://app.example.com"
        elif f"{parts.scheme}://{parts.netloc}" != origin:
            yield f"CORS_ORIGINS holds {origin!r}: an origin has no path and no slash at the end"
        elif settings.production and parts.scheme == "http":
            yield f"CORS_ORIGINS holds {origin!r}: use https in production"


def _proxies(settings: CoreSettings) -> Iterator[str]:
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield "TRUSTED_PROXIES trusts every address: list the networks your proxies connect from"
    if settings.trusted_proxies and settings.trusted_proxy_hops:
        yield "TRUSTED_PROXIES and TRUSTED_PROXY_HOPS are both set: choose one"


def _hosts(settings: CoreSettings) -> Iterator[str]:
    if "allowed_hosts" not in settings.model_fields_set or not settings.allowed_hosts:
        yield "ALLOWED_HOSTS is missing: list the host names the service is called by"
    if "*" in settings.allowed_hosts:
        yield "ALLOWED_HOSTS allows every host: list the host names the service is called by"


def _stores(settings: CoreSettings) -> Iterator[str]:
    if settings.database_url.startswith("sqlite"):
        yield "DATABASE_URL is SQLite: use postgresql+asyncpg://… in production"
    else:
        private = settings.stores_network_is_private
        yield from database_url_findings(settings.database_url, private_network=private)


def _mail(settings: CoreSettings) -> Iterator[str]:
    if settings.smtp_host is None:
        yield "SMTP_HOST is missing: without it mails, and the secrets in them, are printed"
    elif settings.mail_from is None:
        yield "MAIL_FROM is missing: set the sender's address"
    if settings.smtp_security == "none":
        yield "SMTP_SECURITY is none: use starttls or tls, mails hold secrets"
