# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Errors that only logins with providers have."""

from app.core.errors import AppError, Conflict, Forbidden, InvalidRequest


class AccessDenied(Forbidden):
    """The user, or the provider, said no (RFC 6749 section 4.1.2.1)."""

    error = "access_denied"
    title = "The login was cancelled"


class VerifiedEmailRequired(Forbidden):
    """The provider vouches for no e-mail address, and this service asks for one."""

    error = "verified_email_required"
    title = "A verified e-mail address is required"


class ReturnAddressRefused(InvalidRequest):
    """`return_to` is not on the list of OAUTH_RETURN_TO."""

    error = "invalid_return_to"
    title = "Invalid return address"


class AccountExists(Conflict):
    """Another account has this address; its owner can log in and link the provider."""

    error = "account_exists"
    title = "An account with this e-mail address exists"


class IdentityInUse(Conflict):
    """The login at the provider belongs to another account already."""

    error = "identity_in_use"
    title = "This login belongs to another account"


class LastWayToLogIn(Conflict):
    """Without this login nobody could enter the account any more."""

    error = "last_way_to_log_in"
    title = "The last way to log in cannot be removed"


class ProviderError(AppError):
    """The provider's answer cannot be used; why stands in the log, under the request id."""

    status = 502
    error = "provider_error"
    title = "The login provider's answer cannot be used"
