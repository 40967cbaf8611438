# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a presented refresh token can turn out to be worth."""

from dataclasses import dataclass

from app.auth.models import AuthSession


@dataclass(frozen=True)
class Redeemed:
    """The token is good: its session goes on with this refresh token."""

    session: AuthSession
    refresh_token: str
    retried: bool = False


@dataclass(frozen=True)
class Stale:
    """The successor is in use already; the client has it and should use it."""


@dataclass(frozen=True)
class Refused:
    """Unknown, or its session or account is not alive."""


@dataclass(frozen=True)
class Theft:
    """A used token came back after the grace period: somebody else has a copy (RFC 9700 4.14.2)."""

    session: AuthSession


Redemption = Redeemed | Stale | Refused | Theft
