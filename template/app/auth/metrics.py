# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What authentication counts for Prometheus: outcomes by reason, never who."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

_AUTHENTICATIONS = Counter(
    "auth_requests_total", "Requests by the outcome of their authentication.", ["outcome"]
)
_REJECTIONS = Counter(
    "auth_rejected_tokens_total", "Access tokens refused, by the check that failed.", ["reason"]
)
_LOGINS = Counter("auth_logins_total", "Password logins by outcome.", ["outcome"])
_REFRESHES = Counter("auth_refreshes_total", "Refreshes by outcome.", ["outcome"])
_API_KEYS = Counter(
    "auth_api_keys_total", "API keys made, rotated and revoked one by one.", ["event"]
)
_KEY_LOOKUPS = Counter(
    "auth_api_key_lookups_total",
    "API keys looked up in the database, by what was found.",
    ["outcome"],
)
AUTHENTICATION_SECONDS = Histogram(
    "auth_dependency_seconds",
    "Time of the authentication dependency.",
    buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25),
)
UNDELIVERED_DENIALS = Gauge(
    "auth_undelivered_denials_age_seconds",
    "Age of the oldest denial that is not on the deny-list yet; 0 when all are.",
)


accepted = _AUTHENTICATIONS.labels("accepted").inc  # the common case, as short as it can be


def authentication(*, outcome: str) -> None:
    """Count a request whose credentials were looked at, by what came of it."""
    _authentications(outcome).inc()


@cache
def _authentications(outcome: str) -> Counter:
    """Return the count of one outcome; looking it up costs more than adding to it."""
    return _AUTHENTICATIONS.labels(outcome)


def rejection(*, reason: str) -> None:
    """Count an access token that was refused, by the first check that failed."""
    _REJECTIONS.labels(reason).inc()


def login(*, outcome: str) -> None:
    """Count a password login."""
    _LOGINS.labels(outcome).inc()


def refresh(*, outcome: str) -> None:
    """Count a refresh."""
    _REFRESHES.labels(outcome).inc()


def api_key(*, event: str) -> None:
    """Count what was done to an API key."""
    _API_KEYS.labels(event).inc()


def key_lookup(*, outcome: str) -> None:
    """Count an API key that was not in memory."""
    _KEY_LOOKUPS.labels(outcome).inc()
