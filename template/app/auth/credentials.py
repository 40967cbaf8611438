# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Which credential a request brings: an access token or an API key, in a header and nowhere else.

A query string ends up in logs, histories and Referer headers; it is never read for credentials
(RFC 9700 section 4.3.2).
"""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from app.auth.api_key_format import KEY_PREFIX
from app.core.errors import InvalidRequest, Unauthenticated

API_KEY_HEADER = "X-API-Key"
_KEY_HEADER = API_KEY_HEADER.lower().encode()
_CREDENTIAL_HEADERS = frozenset({b"authorization", _KEY_HEADER})


@dataclass(slots=True)  # not frozen, which would take three times as long
class Credential:
    """What was presented, as it came."""

    text: str
    is_key: bool


def presented_credential(connection: HTTPConnection) -> Credential:
    """Return the one credential of a request (RFC 6750 section 2.1).

    Raises:
        Unauthenticated: none came.
        InvalidRequest: two came, or a malformed one (RFC 6750 section 3.1).
    """
    presented = [each for each in connection.scope["headers"] if each[0] in _CREDENTIAL_HEADERS]
    if not presented:
        raise Unauthenticated
    if len(presented) > 1:
        raise InvalidRequest
    name, value = presented[0][0], presented[0][1].decode("latin-1")
    if name == _KEY_HEADER:
        return Credential(value, is_key=True)
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    if not token or " " in token or "," in token:
        raise InvalidRequest
    return Credential(token, is_key=token.startswith(KEY_PREFIX))
