# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What every response carries, and which requests are too odd to be read."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from http import HTTPStatus
from itertools import chain

from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)
from starlette.datastructures import Headers
from starlette.types import Message

from app.core.errors import InvalidRequest
from app.core.problems import ProblemResponse, problem, status_problem

Header = tuple[bytes, bytes]

RESPONSE_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})

# Seconds. A year is the least that ASVS 5.0 3.4.1 accepts, with subdomains from level 2 on.
HSTS_MAX_AGE = 365 * 24 * 60 * 60

# An API's answers load nothing and are shown by nobody. No X-XSS-Protection: its filter is itself a
# hole.
SECURITY_HEADERS = Secure(
    hsts=StrictTransportSecurity().max_age(HSTS_MAX_AGE).include_subdomains(),
    xcto=XContentTypeOptions().nosniff(),
    xfo=XFrameOptions().deny(),
    csp=ContentSecurityPolicy()
    .default_src("'none'")
    .frame_ancestors("'none'")
    .base_uri("'none'")
    .form_action("'none'"),
    referrer=ReferrerPolicy().no_referrer(),
    coop=CrossOriginOpenerPolicy().same_origin(),
    corp=CrossOriginResourcePolicy().same_origin(),
)

# All header fields of a request together; uvicorn with httptools sets no bound of its own.
MAX_HEADER_BYTES = 32 * 1024

# Header fields that say who is asking and whom: two of them are two opinions, and proxies choose
# differently (RFC 9112 §3.2 for Host, RFC 6750 §2 for credentials).
_CREDENTIAL_HEADERS = frozenset({b"authorization", b"x-api-key"})
_SINGLE_HEADERS = frozenset({b"host"}) | _CREDENTIAL_HEADERS
REQUEST_ID = b"x-request-id"
# One of these comes before any body of HTTP/1 (RFC 9112 §6.3).
_FRAMING_HEADERS = frozenset({b"content-length", b"transfer-encoding"})

# What Starlette's own middleware answers in plain text, by body.
PLAIN_STATUSES = frozenset({400, 413})
PLAIN_ERRORS = frozenset({b"Content Too Large", b"Invalid host header"})

NO_STORE: Header = (b"cache-control", b"no-store")
# What answers carry, and what those to a credential carry.
TO_ANYBODY: Sequence[Header] = [
    (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.headers.items()
]
TO_SOMEBODY: Sequence[Header] = [*TO_ANYBODY, NO_STORE]
_OURS = frozenset(name for name, _ in TO_SOMEBODY) | {REQUEST_ID}


class Noted:
    """What one look at the headers of a request finds, for all who want to know something of them.

    Attributes:
        size: bytes of all of them.
        values: by name; of a name that came more than once, the last.
        doubled: the names that came more than once.
    """

    __slots__ = ("doubled", "size", "values")

    def __init__(self, headers: Sequence[Header]) -> None:
        self.size = sum(map(len, chain.from_iterable(headers)))
        self.values = dict(headers)
        self.doubled: Collection[bytes] = ()
        if len(self.values) != len(headers):
            names = Counter(name for name, _ in headers)
            self.doubled = {name for name, count in names.items() if count > 1}

    def has_credential(self) -> bool:
        """Tell whether the request says who is asking."""
        return not _CREDENTIAL_HEADERS.isdisjoint(self.values)

    def announces_body(self) -> bool:
        """Tell whether a body follows, as HTTP/1 says it."""
        return not _FRAMING_HEADERS.isdisjoint(self.values)


def refusal(noted: Noted) -> ProblemResponse | None:
    """Return the answer to headers that are too large, or hold one twice that must be single."""
    if noted.size > MAX_HEADER_BYTES:
        return status_problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if not _SINGLE_HEADERS.isdisjoint(noted.doubled):
        return problem(InvalidRequest())
    return None


def completed(
    sent: Iterable[Header], added: Sequence[Header], replacing: Sequence[Header]
) -> list[Header]:
    """Return the headers of a response with ours.

    Args:
        sent: the route's own.
        added: each unless the route has one of that name, which stands.
        replacing: in place of the route's.
    """
    sent = list(sent)
    if _OURS.isdisjoint([name for name, _ in sent]):
        return [*sent, *added, *replacing]
    replaced = {name for name, _ in replacing}
    kept = [pair for pair in sent if pair[0] not in replaced]
    names = {name for name, _ in kept}
    return [*kept, *(pair for pair in added if pair[0] not in names), *replacing]


def is_plain_error(start: Message) -> bool:
    """Tell whether a response may be one that Starlette's own middleware makes, by its start."""
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/plain")
