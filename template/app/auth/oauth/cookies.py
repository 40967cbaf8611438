# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The cookies of flows: each flow has its own, so that tabs do not disturb each other.

SameSite=Lax, because the browser comes back from another site; `__Host-`, because no other host of
the domain may plant one (RFC 6265bis section 4.1.3.2).
"""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.auth.derived_keys import hash_secret

FLOW = "__Host-oauth-"
CODE = "__Host-login-code-"
# Tabs at once; browsers keep a bounded number of cookies, and requests a bounded size.
MAX_COOKIES = 8
ID_CHARACTERS = 16


def name_of(prefix: str, secret: str) -> str:
    """Return the name of the cookie that belongs to a state or code, which it does not tell."""
    return prefix + hash_secret(secret).hex()[:ID_CHARACTERS]


def set_cookie(response: Response, name: str, value: str, lifetime: timedelta) -> None:
    """Give the browser its half of a flow.

    Args:
        response: takes the cookie.
        name: of `name_of`.
        value: 256 random bits.
        lifetime: how long the browser keeps it.
    """
    response.set_cookie(
        name,
        value,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, name: str) -> None:
    """Take the browser's half of a flow back."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def delete_surplus(response: Response, connection: HTTPConnection) -> None:
    """Delete the oldest flows of a browser that has too many; it sends the oldest first."""
    names = [name for name in connection.cookies if name.startswith(FLOW)]
    for name in names[: max(0, len(names) - MAX_COOKIES + 1)]:
        delete_cookie(response, name)
