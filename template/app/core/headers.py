# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What every response carries, and which requests are too odd to be read."""

from http import HTTPStatus

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
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import InvalidRequest
from app.core.problems import problem, status_problem

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
_CREDENTIAL_HEADERS = ("authorization", "x-api-key")
_SINGLE_HEADERS = ("host", *_CREDENTIAL_HEADERS)

# What Starlette's own middleware answers in plain text, by body.
_PLAIN_ERRORS = frozenset({b"Content Too Large", b"Invalid host header"})


class SecurityHeadersMiddleware:
    """Sets the security headers on every response; a route's own value of one of them stands."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = SECURITY_HEADERS.headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app and complete its response's headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS:
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class NoStoreMiddleware:
    """Forbids caches to keep anything under a path, and what was answered to a credential.

    A route outside the path may say otherwise with a Cache-Control of its own.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app and mark its response."""

        below = scope["type"] != "lifespan" and scope["path"].startswith(self.prefix)
        credential = scope["type"] != "lifespan" and any(
            name in Headers(scope=scope) for name in _CREDENTIAL_HEADERS
        )

        async def send_no_store(message: Message) -> None:
            if message["type"] in RESPONSE_STARTS:
                headers = MutableHeaders(scope=message)
                if below or "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, send_no_store if below or credential else send)


class SingleHeadersMiddleware:
    """Refuses requests whose headers are too large, or hold one twice that must be single."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 431 or 400, or run the app."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            await status_problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)(scope, receive, send)
        elif self._doubled(Headers(scope=scope)):
            await problem(InvalidRequest())(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _doubled(self, headers: Headers) -> bool:
        return any(len(headers.getlist(name)) > 1 for name in _SINGLE_HEADERS)


class PlainErrorsMiddleware:
    """Gives the plain-text errors of Starlette's middleware (413, wrong host) the common shape."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app and replace a plain error of the known ones."""
        start: Message | None = None

        async def send_problem(message: Message) -> None:
            nonlocal start
            if message["type"] in RESPONSE_STARTS and _is_plain_error(message):
                start = message
                return
            if start is not None:
                held, start = start, None
                if message.get("body") in _PLAIN_ERRORS:
                    await status_problem(held["status"])(scope, receive, send)
                    return
                await send(held)
            await send(message)

        await self.app(scope, receive, send_problem)


def _is_plain_error(message: Message) -> bool:
    content_type = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] in {400, 413} and content_type.startswith("text/plain")
