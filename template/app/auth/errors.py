# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Errors that only authentication has; the tree's trunk is app/core/errors.py."""

from app.core.errors import BEARER_CHALLENGE, InvalidRequest, Unauthenticated

RECENT_LOGIN_SECONDS = 600  # how old a login may be for what changes or ends an account


class InvalidScope(InvalidRequest):
    """A scope was asked for that the account does not hold (RFC 6749 section 5.2)."""

    error = "invalid_scope"
    title = "Invalid scope"


class LoginNotRecent(Unauthenticated):
    """The login is too old for this operation (RFC 9470 section 3)."""

    error = "insufficient_user_authentication"
    title = "A more recent login is required"

    def headers(self) -> dict[str, str]:
        """Return the challenge that asks for a new login."""
        challenge = f'{BEARER_CHALLENGE}, error="{self.error}", max_age="{RECENT_LOGIN_SECONDS}"'
        return {"WWW-Authenticate": challenge}
