# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every error a client can cause, and the answer that belongs to it.

AppError
├── InvalidRequest          400 invalid_request          (RFC 6750 §3.1, RFC 6749 §5.2)
├── InvalidGrant            400 invalid_grant            (RFC 6749 §5.2)
├── Unauthenticated         401 unauthenticated          no credentials came
│   └── InvalidToken        401 invalid_token            one for every bad token (RFC 6750 §3.1)
├── Forbidden               403 forbidden
│   └── InsufficientScope   403 insufficient_scope       (RFC 6750 §3.1)
├── NotFound                404 not_found                also another user's object
├── Conflict                409 conflict
│   └── StaleRefreshToken   409 stale_refresh_token
├── ContentTooLarge         413 content_too_large        MAX_BODY_SIZE
├── UnprocessableContent    422 invalid_content
├── TooManyRequests         429 too_many_requests        Retry-After
├── InternalError           500 server_error
└── ServiceUnavailable      503 temporarily_unavailable  Retry-After

The body is constant for each error (RFC 9457): what was sent, and which check failed, is never in
it.
"""

from collections.abc import Sequence
from typing import ClassVar

# One protection space for the whole service (RFC 9110 §11.5); RFC 6750 §3 wants at least one
# parameter.
BEARER_CHALLENGE = 'Bearer realm="api"'


class AppError(Exception):
    """The base of all errors that have an answer; `problems.py` turns them into responses."""

    status: ClassVar[int]
    error: ClassVar[str]
    title: ClassVar[str]

    def headers(self) -> dict[str, str]:
        """Return the response headers that belong to this error."""
        return {}

    def body(self) -> dict[str, object]:
        """Return the problem details (RFC 9457 §3.1)."""
        shape = {"type": "about:blank", "title": self.title, "status": self.status}
        return {**shape, "error": self.error}


class InvalidRequest(AppError):
    """The request is malformed: credentials in two places, a doubled header, a missing part."""

    status = 400
    error = "invalid_request"
    title = "Invalid request"


class InvalidGrant(AppError):
    """The password, refresh token or single-use secret is not, or no longer, good."""

    status = 400
    error = "invalid_grant"
    title = "Invalid grant"


class Unauthenticated(AppError):
    """No credentials came; the challenge names no error then (RFC 6750 §3.1)."""

    status = 401
    error = "unauthenticated"
    title = "Authentication required"

    def headers(self) -> dict[str, str]:
        """Return the bearer challenge."""
        return {"WWW-Authenticate": BEARER_CHALLENGE}


class InvalidToken(Unauthenticated):
    """The access token is expired, revoked, tampered with or malformed: one answer for all."""

    error = "invalid_token"
    title = "Invalid token"

    def headers(self) -> dict[str, str]:
        """Return the bearer challenge with its error."""
        return {"WWW-Authenticate": f'{BEARER_CHALLENGE}, error="invalid_token"'}


class Forbidden(AppError):
    """The caller is known and may not do this."""

    status = 403
    error = "forbidden"
    title = "Forbidden"


class InsufficientScope(Forbidden):
    """The token lacks a scope that the route requires.

    Args:
        scopes: All the scopes that the route requires.
    """

    error = "insufficient_scope"
    title = "Insufficient scope"

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__()
        self.scopes = tuple(scopes)

    def headers(self) -> dict[str, str]:
        """Return the bearer challenge with the scopes to ask for."""
        parameters = f'error="insufficient_scope", scope="{" ".join(self.scopes)}"'
        return {"WWW-Authenticate": f"{BEARER_CHALLENGE}, {parameters}"}


class NotFound(AppError):
    """There is no such thing, or it is somebody else's."""

    status = 404
    error = "not_found"
    title = "Not found"


class Conflict(AppError):
    """The request contradicts the present state."""

    status = 409
    error = "conflict"
    title = "Conflict"


class StaleRefreshToken(Conflict):
    """A refresh token whose successor is already in use was presented within the grace time."""

    error = "stale_refresh_token"
    title = "Stale refresh token"


class ContentTooLarge(AppError):
    """The body is longer than the service or the route takes."""

    status = 413
    error = "content_too_large"
    title = "Content too large"


class UnprocessableContent(AppError):
    """The content does not have the declared shape.

    Args:
        errors: Where and of which kind, in declared names only; see `problems.declared_errors`.
    """

    status = 422
    error = "invalid_content"
    title = "Invalid content"

    def __init__(self, errors: Sequence[dict[str, object]] = ()) -> None:
        super().__init__()
        self.errors = list(errors)

    def body(self) -> dict[str, object]:
        """Return the problem details with the list of errors."""
        return {**super().body(), "errors": self.errors}


class _Retryable(AppError):
    """An error that goes away by itself."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__()
        self.retry_after = max(1, retry_after)

    def headers(self) -> dict[str, str]:
        """Return Retry-After in whole seconds (RFC 9110 §10.2.3)."""
        return {"Retry-After": str(self.retry_after)}


class TooManyRequests(_Retryable):
    """A rate limit is used up until `retry_after` seconds from now."""

    status = 429
    error = "too_many_requests"
    title = "Too many requests"


class InternalError(AppError):
    """A fault of the service; its cause is in the log under the request id."""

    status = 500
    error = "server_error"
    title = "Internal server error"


class ServiceUnavailable(_Retryable):
    """Something the service depends on does not answer; try again in `retry_after` seconds."""

    status = 503
    error = "temporarily_unavailable"
    title = "Temporarily unavailable"
