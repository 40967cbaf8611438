# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The cookies: a refresh token that only this origin can send, and the mark of a known device.

`__Host-` (RFC 6265bis section 4.1.3.2): Secure, no Domain, Path=/, so that no other host of the
domain can set or read them. Routes that are not under /auth never read a cookie.
"""

from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.auth.runtime import Auth
from app.core.errors import Forbidden, InvalidGrant
from app.core.logging import security_event

REFRESH_COOKIE = "__Host-refresh"
DEVICE_COOKIE = "__Host-device"
DEVICE_LIFETIME = 400 * 86_400  # seconds; browsers keep no cookie longer (RFC 6265bis section 5.5)


class CrossOriginRequest(Forbidden):
    """A cookie endpoint was called from a page of another origin."""

    error = "cross_origin_request"
    title = "Cross-origin request refused"


class RefreshCookieRefused(InvalidGrant):
    """The refresh token in the cookie is not, or no longer, good; the browser forgets it."""

    def headers(self) -> dict[str, str]:
        """Return the header that removes the cookie."""
        response = Response()
        clear_refresh_cookie(response)
        return {"Set-Cookie": response.headers["set-cookie"]}


def set_refresh_cookie(response: Response, token: str, expires_at: datetime) -> None:
    """Set the refresh token for this origin until its session ends (ASVS 3.3.1 to 3.3.4)."""
    _set(response, REFRESH_COOKIE, token, expires_at)


def clear_refresh_cookie(response: Response) -> None:
    """Remove the refresh token from the browser."""
    response.delete_cookie(REFRESH_COOKIE, secure=True, httponly=True, samesite="strict")


def set_device_cookie(response: Response, value: str) -> None:
    """Mark this browser as one on which the account logged in."""
    _set(response, DEVICE_COOKIE, value, DEVICE_LIFETIME)


def require_same_origin(connection: HTTPConnection, auth: Auth) -> None:
    """Refuse a request that a page of another origin made the browser send (ASVS 3.5.1).

    Raises:
        CrossOriginRequest: neither `Sec-Fetch-Site: same-origin` nor an allowed `Origin`.
    """
    if connection.headers.getlist("sec-fetch-site") == ["same-origin"]:
        return
    issuer = urlsplit(auth.settings.issuer)
    allowed = {f"{issuer.scheme}://{issuer.netloc}", *auth.settings.cors_origins}
    origins = connection.headers.getlist("origin")
    if len(origins) != 1 or origins[0] not in allowed:
        security_event("cross_origin_refused", path=connection.url.path)
        raise CrossOriginRequest


def _set(response: Response, name: str, value: str, expires: datetime | int) -> None:
    response.set_cookie(
        name,
        value,
        expires=expires,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )
