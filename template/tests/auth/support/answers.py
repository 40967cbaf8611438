# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What an answer of the service is, in one line of a test."""

import httpx2

INVALID_TOKEN = (401, "invalid_token")
UNAUTHENTICATED = (401, "unauthenticated")
INVALID_GRANT = (400, "invalid_grant")
INVALID_REQUEST = (400, "invalid_request")
STALE = (409, "stale_refresh_token")


def problem(response: httpx2.Response) -> tuple[int, str]:
    """Return status and error of an answer that is a problem (RFC 9457), or fail."""
    assert response.headers.get("content-type") == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body.keys() <= {"type", "title", "status", "error", "errors"}
    return response.status_code, body["error"]


def challenge(response: httpx2.Response) -> str:
    """Return the one WWW-Authenticate header of an answer."""
    (value,) = response.headers.get_list("www-authenticate")
    return str(value)
