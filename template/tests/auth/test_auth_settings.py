# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Settings of authentication that cannot be meant stop the start, each by its name."""

from typing import Any

import pytest

from app.auth.settings import BaseAuthSettings
from tests.auth.support.settings import SECRET_KEY


def findings(**values: Any) -> list[str]:
    """Return what is wrong with these settings, where the rest is good."""
    settings = BaseAuthSettings.model_validate({"secret_key": SECRET_KEY} | values)
    return settings.findings()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"issuer": "api.example.com"}, "ISSUER"),
        ({"issuer": "ftp://api.example.com"}, "ISSUER"),
        ({"issuer": "https://"}, "ISSUER"),
        ({"issuer": "https://api.example.com/v1"}, "ISSUER"),
        ({"audience": ""}, "AUDIENCE"),
        ({"session_idle_lifetime": 7200, "session_absolute_lifetime": 7199}, "SESSION_IDLE"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any], name: str) -> None:
    (finding,) = findings(**values)
    assert finding.startswith(name)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"issuer": "https://api.example.com"},
        {"issuer": "https://api.example.com/"},
        {"session_idle_lifetime": 7200, "session_absolute_lifetime": 7200},
    ],
    ids=str,
)
def test_what_can_be_meant_is_not(values: dict[str, Any]) -> None:
    assert findings(**values) == []


def test_production_issues_under_https() -> None:
    named = [each for each in findings(environment="production") if each.startswith("ISSUER")]
    assert named == ["ISSUER must start with https:// in production."]
    secure = findings(environment="production", issuer="https://api.example.com")
    assert not [each for each in secure if each.startswith("ISSUER")]
