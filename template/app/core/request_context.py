# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The request id, and one access log line a request."""

import os
import re
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.headers import RESPONSE_STARTS
from app.core.logging import access_event
from app.core.logging_google_cloud import bind_trace

# Anything else is replaced by a new id, so that nobody can write into our logs or headers.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9-]{1,64}")
_HEADER = b"x-request-id"


class RequestContextMiddleware:
    """Gives each request an id, the caller's if harmless, and logs how the request ended.

    Args:
        app: What runs inside.
        traced: Log under the trace that a Google front end names.
    """

    def __init__(self, app: ASGIApp, *, traced: bool) -> None:
        self.app = app
        self._traced = traced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app with the request id bound, and log how it ended."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if self._traced:
            bind_trace(scope)
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] in RESPONSE_STARTS:
                status = message["status"]
                others = [pair for pair in message.get("headers", ()) if pair[0] != _HEADER]
                message["headers"] = [*others, (_HEADER, request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            access_event(
                method=scope.get("method", scope["type"]),
                path=_path(scope),
                status=status,
                seconds=time.perf_counter() - started,
                request_id=request_id,
            )


def _request_id(scope: Scope) -> str:
    sent = [value for name, value in scope["headers"] if name == _HEADER]
    if len(sent) == 1 and _REQUEST_ID.fullmatch(sent[0]):
        return str(sent[0], "ascii")
    return os.urandom(16).hex()


def _path(scope: Scope) -> str:
    """Return the path without its query string, which may hold what must not be logged."""
    path: str = scope["path"]
    return path
