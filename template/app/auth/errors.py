# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Errors that only authentication has; the tree's trunk is app/core/errors.py."""

from app.core.errors import BEARER_CHALLENGE, Conflict, Forbidden, InvalidRequest, Unauthenticated

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


class CredentialRefused(Forbidden):
    """The route does not take this kind of credential: most often an API key where a login is due.

    No insufficient_scope: no scope would help.
    """

    error = "credential_not_accepted"
    title = "This kind of credential is not accepted here"


class TooManyApiKeys(Conflict):
    """The account has as many API keys as it may have; one must be revoked first."""

    error = "too_many_api_keys"
    title = "Too many API keys"


class ApiKeyEnded(Conflict):
    """The API key is revoked or expired, or was rotated before: it cannot be rotated."""

    error = "api_key_ended"
    title = "This API key has ended or was rotated before"
