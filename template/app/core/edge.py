# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What surrounds every request: one look at its headers, and one at those of its answer.

Each of these things could be a middleware of its own. Every layer costs every message of every
request a call, and together they cost more than FastAPI; so they are functions, and this calls them
in their order.
"""

import time
from collections.abc import Sequence

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.bodies import WITHOUT_BODY
from app.core.headers import (
    NO_STORE,
    PLAIN_ERRORS,
    PLAIN_STATUSES,
    REQUEST_ID,
    RESPONSE_STARTS,
    TO_ANYBODY,
    TO_SOMEBODY,
    Header,
    Noted,
    completed,
    is_plain_error,
    refusal,
)
from app.core.logging import logs_access
from app.core.problems import status_problem
from app.core.request_context import begin_request, log_request

_HTTP_1 = frozenset({"1.0", "1.1"})  # of later versions a body may come unannounced

# Host headers that were found good, as they came; with "*.example.com" there may be any number.
KNOWN_HOSTS = 100


class EdgeMiddleware:
    """Gives each request an id, refuses odd ones, completes each answer and logs how it ended.

    Args:
        app: What runs inside.
        allowed_hosts: The names of the service, as Starlette's `TrustedHostMiddleware` takes them.
        prefix: Nothing under this path may be stored by a cache. What is answered to a credential
            elsewhere may not either, unless the route has a Cache-Control of its own.
        traced: Log under the trace that a Google front end names.
    """

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: Sequence[str], prefix: str, traced: bool
    ) -> None:
        self._app = app
        self._known_hosts: set[bytes | None] = set()
        self._judge_host = TrustedHostMiddleware(
            self._of_good_host, allowed_hosts=allowed_hosts, www_redirect=False
        )
        self._prefix = prefix
        self._traced = traced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app between the two looks."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        started, noted = time.perf_counter(), Noted(scope["headers"])
        if not noted.announces_body() and scope.get("http_version") in _HTTP_1:
            scope[WITHOUT_BODY] = True
        request_id = begin_request(scope, noted, traced=self._traced)
        replacing = [(REQUEST_ID, request_id.encode())]
        added = TO_SOMEBODY if noted.has_credential() else TO_ANYBODY
        if scope["path"].startswith(self._prefix):
            added, replacing = TO_ANYBODY, [*replacing, NO_STORE]
        answer = _Answer(scope, receive, send, added, replacing)
        try:
            await self._way_in(noted)(scope, receive, answer.send)
        finally:
            if logs_access():
                log_request(scope, request_id, answer.status, time.perf_counter() - started)

    def _way_in(self, noted: Noted) -> ASGIApp:
        """Return what answers, before anything else has read Host or Authorization."""
        if refused := refusal(noted):
            return refused
        return self._app if noted.values.get(b"host") in self._known_hosts else self._judge_host

    async def _of_good_host(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, and remember the Host header: it is not looked into again."""
        if len(self._known_hosts) < KNOWN_HOSTS:
            self._known_hosts.add(Noted(scope["headers"]).values.get(b"host"))
        await self._app(scope, receive, send)


class _Answer:
    """The way out of one request.

    Gives the plain-text errors of Starlette's middleware (413, wrong host) the common shape.
    """

    __slots__ = ("_added", "_held", "_receive", "_replacing", "_scope", "_send", "status")

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        added: Sequence[Header],
        replacing: Sequence[Header],
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._added, self._replacing = added, replacing
        self._held: Message | None = None
        self.status = 0

    async def send(self, message: Message) -> None:
        """Send a message on, a response's start with all headers."""
        if message["type"] in RESPONSE_STARTS:
            if message["status"] in PLAIN_STATUSES and is_plain_error(message):
                self._held = message
                return
            self._complete(message)
        elif self._held is not None:
            start, self._held = self._held, None
            if message.get("body") in PLAIN_ERRORS:
                problem = status_problem(start["status"])
                await problem(self._scope, self._receive, self.send)
                return
            self._complete(start)
            await self._send(start)
        await self._send(message)

    def _complete(self, start: Message) -> None:
        self.status = start["status"]
        sent = start.get("headers", ())
        start["headers"] = completed(sent, self._added, self._replacing)
