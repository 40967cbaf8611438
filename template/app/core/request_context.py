# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The request id, and one access log line a request."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Anything else is replaced by a new id, so that nobody can write into our logs or headers.
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

_log = structlog.stdlib.get_logger("app.access")


class RequestContextMiddleware:
    """Gives each request an id, the caller's if harmless, and logs how the request ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app with the request id bound, and log how it ended."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = round(time.perf_counter() - started, 4)
            method = scope.get("method", scope["type"])
            _log.info("request", method=method, path=_path(scope), status=status, seconds=seconds)


def _request_id(scope: Scope) -> str:
    sent = Headers(scope=scope).getlist("x-request-id")
    if len(sent) == 1 and _REQUEST_ID.fullmatch(sent[0]):
        return sent[0]
    return uuid4().hex


def _path(scope: Scope) -> str:
    """Return the path without its query string, which may hold what must not be logged."""
    path: str = scope["path"]
    return path
