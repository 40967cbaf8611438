# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The service refuses to start with weak configuration, and says everything at once (ASVS 13)."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.commands.running import setting_errors
from app.core.settings import ConfigurationError, CoreSettings
from app.core.weak_secrets import weakness
from tests.auth.support.core_app import METRICS_TOKEN, SECRET_KEY, core_app

GOOD: dict[str, Any] = {
    "environment": "production",
    "secret_key": SECRET_KEY,
    "database_url": "postgresql+asyncpg://service@db/service?ssl=verify-full",
    "allowed_hosts": ["api.example.com"],
    "cors_origins": ["https://app.example.com"],
    "trusted_proxies": ["10.0.0.0/8"],
    "metrics_token": METRICS_TOKEN,
    "smtp_host": "mail.example.com",
    "mail_from": "service@example.com",
}
POSTGRES = "postgresql+asyncpg://owner"
# A secret that a length check lets through; it stands in the list of published ones.
# check-secrets: allow a test of refusing it
PUBLISHED = "my-32-character-ultra-secure-and-ultra-long-secret"


@pytest.fixture(autouse=True)
def _away_from_any_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in CoreSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SECRETS_DIR", raising=False)


def settings_of(**values: Any) -> CoreSettings:
    """Return settings as they come from outside: texts for secrets and networks."""
    return CoreSettings(**values)


def findings(**changes: Any) -> list[str]:
    """Return what is wrong with good production settings after these changes (None: left out)."""
    values = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return settings_of(**values).findings()


def test_good_settings_for_production_are_accepted() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"secret_key": None}, "SECRET_KEY is missing"),
        ({"secret_key": "too-short"}, "SECRET_KEY is shorter than 32 characters"),
        ({"secret_key": "ab" * 30}, "SECRET_KEY has fewer than 10 distinct characters"),
        ({"secret_key": PUBLISHED}, "SECRET_KEY is a published example"),
        ({"secret_key_previous": ["x"]}, "SECRET_KEY_PREVIOUS is shorter than 32 characters"),
        ({"metrics_token": "short"}, "METRICS_TOKEN is shorter than 32 characters"),
        ({"database_url": "sqlite+aiosqlite:///a.db"}, "DATABASE_URL is SQLite"),
        ({"database_url": None}, "DATABASE_URL is SQLite"),
        ({"database_url": f"{POSTGRES}@db/s"}, "DATABASE_URL does not ask for TLS"),
        ({"database_url": f"{POSTGRES}@/s?host=db"}, "DATABASE_URL does not ask for TLS"),
        ({"database_url": f"{POSTGRES}@db/s?ssl=prefer"}, "DATABASE_URL does not ask for TLS"),
        # It encrypts and asks nobody who is at the other end.
        ({"database_url": f"{POSTGRES}@db/s?ssl=require"}, "DATABASE_URL does not ask for TLS"),
        ({"database_url": f"{POSTGRES}:Postgres@localhost/s"}, "DATABASE_URL has a well-known"),
        ({"database_url": f"{POSTGRES}:owner@localhost/s"}, "DATABASE_URL has a well-known"),
        ({"allowed_hosts": None}, "ALLOWED_HOSTS is missing"),
        ({"allowed_hosts": []}, "ALLOWED_HOSTS is missing"),
        ({"allowed_hosts": ["api.example.com", "*"]}, "ALLOWED_HOSTS allows every host"),
        ({"cors_origins": ["*"]}, "CORS_ORIGINS holds '*'"),
        ({"cors_origins": ["https://*.example.com"]}, "CORS_ORIGINS holds 'https://*.example.com'"),
        ({"cors_origins": ["null"]}, "CORS_ORIGINS holds 'null'"),
        ({"cors_origins": ["wss://a.example.com"]}, "CORS_ORIGINS holds 'wss://a.example.com'"),
        ({"cors_origins": ["https://"]}, "CORS_ORIGINS holds 'https://'"),
        (
            {"cors_origins": ["https://a.example.com/"]},
            "CORS_ORIGINS holds 'https://a.example.com/'",
        ),
        ({"cors_origins": ["http://a.example.com"]}, "CORS_ORIGINS holds 'http://a.example.com'"),
        ({"trusted_proxies": ["*"]}, "TRUSTED_PROXIES trusts every address"),
        ({"trusted_proxies": ["0.0.0.0/0"]}, "TRUSTED_PROXIES trusts every address"),
        ({"trusted_proxies": ["::/0"]}, "TRUSTED_PROXIES trusts every address"),
        ({"trusted_proxy_hops": 1}, "TRUSTED_PROXIES and TRUSTED_PROXY_HOPS are both set"),
        ({"smtp_host": None}, "SMTP_HOST is missing"),
        ({"mail_from": None}, "MAIL_FROM is missing"),
        ({"smtp_security": "none"}, "SMTP_SECURITY is none"),
    ],
)
def test_production_refuses(changes: dict[str, Any], finding: str) -> None:
    (found,) = findings(**changes)
    assert found.startswith(finding)


@pytest.mark.parametrize(
    "changes",
    [
        {"database_url": f"{POSTGRES}:7hK2@db/s?ssl=verify-ca"},
        {"database_url": f"{POSTGRES}@/s?host=/run/postgresql"},
        {"database_url": f"{POSTGRES}:7hK2@127.0.0.1/s"},
        {"database_url": f"{POSTGRES}:7hK2@db/s", "stores_network_is_private": True},
    ],
)
def test_production_accepts_a_database_that_nobody_can_listen_to(changes: dict[str, Any]) -> None:
    assert findings(**changes) == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({}, "SECRET_KEY is missing"),
        ({"secret_key": "a" * 40}, "SECRET_KEY has fewer than 10"),
        ({"secret_key": SECRET_KEY, "cors_origins": ["*"]}, "CORS_ORIGINS holds '*'"),
        ({"secret_key": SECRET_KEY, "trusted_proxies": ["*"]}, "TRUSTED_PROXIES trusts every"),
    ],
)
def test_local_use_refuses_what_is_never_safe(changes: dict[str, Any], finding: str) -> None:
    (found,) = settings_of(**changes).findings()
    assert found.startswith(finding)


def test_local_use_needs_a_secret_key_and_nothing_else() -> None:
    assert settings_of(secret_key=SECRET_KEY).findings() == []


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        core_app(tmp_path, environment="production", secret_key="short", allowed_hosts=["*"])
    text = str(refused.value)
    names = ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "SMTP_HOST")
    assert [name for name in names if f"- {name} " not in text] == []
    assert len(refused.value.findings) == len(names)


# check-secrets: allow a test of refusing it
@pytest.mark.parametrize("secret", [PUBLISHED, "12345678901234567890123456789012"])
def test_published_secrets_are_refused(secret: str) -> None:
    assert weakness(secret) == "is a published example"


def test_no_finding_repeats_a_secret() -> None:
    weak = "swordfish-"
    said = findings(secret_key=weak, secret_key_previous=[weak], metrics_token=weak)
    assert len(said) == 3
    assert "swordfish" not in " ".join(said)


def test_neither_an_error_nor_a_print_of_the_settings_shows_a_secret() -> None:
    with pytest.raises(ValidationError) as refused:
        settings_of(smtp_port="swordfish", smtp_password="swordfish")
    settings = settings_of(
        secret_key="swordfish",
        secret_key_previous=["swordfish"],
        metrics_token="swordfish",
        smtp_password="swordfish",
        database_url="postgresql+asyncpg://service:swordfish@db/service",
    )
    assert "swordfish" not in f"{refused.value} {refused.value!r} {settings} {settings!r}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "postgres://service:swordfish@db/service",
        "postgresql://service:swordfish@db/service",
        "postgresql+psycopg://service:swordfish@db/service",
        "postgresql+asyncpg://service:swordfish@db:x/service",
        "sqlite:///swordfish.db",
        "mysql+aiomysql://service:swordfish@db/service",
    ],
)
def test_an_address_of_no_database_that_the_service_speaks_to_is_refused_by_name(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings_of(database_url=url)
    (sentence,) = setting_errors(refused.value)
    assert sentence.startswith("DATABASE_URL: must be an address")
    assert "postgresql+asyncpg:// or sqlite+aiosqlite:///" in sentence
    assert "swordfish" not in f"{refused.value} {sentence}"


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example.com, b.example.com,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8")
    monkeypatch.setenv("SECRET_KEY_PREVIOUS", "one,two")
    settings = settings_of()
    assert settings.allowed_hosts == ["a.example.com", "b.example.com"]
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "fd00::/8"]
    assert [secret.get_secret_value() for secret in settings.secret_key_previous] == ["one", "two"]


def test_a_proxy_network_with_host_bits_is_a_mistake_and_not_widened() -> None:
    with pytest.raises(ValidationError):
        settings_of(trusted_proxies=["10.1.2.3/8"])


def test_the_environment_goes_before_secret_files_and_these_before_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("secret_key", "metrics_token"):
        (secrets / name).write_text("from a file\n")
    lines = ("SECRET_KEY=from dotenv", "METRICS_TOKEN=from dotenv", "MAIL_FROM=from dotenv")
    (tmp_path / ".env").write_text("\n".join((*lines, "SOMEBODY_ELSES=ignored")))
    monkeypatch.setenv("SECRETS_DIR", str(secrets))
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    settings = settings_of()
    assert settings.secret_key is not None
    assert settings.metrics_token is not None
    assert settings.secret_key.get_secret_value() == "from the environment"
    assert settings.metrics_token.get_secret_value() == "from a file"
    assert settings.mail_from == "from dotenv"


@pytest.mark.parametrize(
    ("environment", "docs_enabled", "shown"),
    [
        ("local", None, True),
        ("local", False, False),
        ("production", None, False),
        ("production", True, True),
    ],
)
def test_documentation_is_off_in_production_unless_asked_for(
    environment: str, docs_enabled: bool | None, shown: bool
) -> None:
    settings = settings_of(environment=environment, docs_enabled=docs_enabled)
    assert settings.shows_docs is shown
