# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The request id, and one access log line a request."""

import os
import re
from contextvars import ContextVar

import structlog
from starlette.types import Scope

from app.core.headers import REQUEST_ID, Noted
from app.core.logging import access_event
from app.core.logging_google_cloud import bind_trace

# Anything else is replaced by a new id, so that nobody can write into our logs or headers.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9-]{1,64}")

# By this name structlog finds it, as if it had bound it itself, which takes ten times as long.
_bound: ContextVar[str | None] = ContextVar(
    f"{structlog.contextvars.STRUCTLOG_KEY_PREFIX}request_id", default=None
)

_ID_BYTES, _IDS_AT_ONCE = 16, 256
_new_ids: list[str] = []  # random, not used yet: the kernel is asked once for many


def begin_request(scope: Scope, noted: Noted, *, traced: bool) -> str:
    """Return the request's id, the caller's if harmless, and log what follows under it.

    Args:
        scope: of the request.
        noted: its headers.
        traced: Log under the trace that a Google front end names, too.
    """
    sent = noted.values.get(REQUEST_ID)
    if sent is not None and REQUEST_ID not in noted.doubled and _REQUEST_ID.fullmatch(sent):
        request_id = str(sent, "ascii")
    else:
        request_id = _new_id()
    if _bound.get() is not None:  # a server began this request inside another one
        structlog.contextvars.clear_contextvars()
    _bound.set(request_id)
    if traced:
        bind_trace(scope)
    return request_id


def log_request(scope: Scope, request_id: str, status: int, seconds: float) -> None:
    """Log how a request ended."""
    access_event(
        method=scope.get("method", scope["type"]),
        path=_path(scope),
        status=status,
        seconds=seconds,
        request_id=request_id,
    )


def _new_id() -> str:
    try:
        return _new_ids.pop()
    except IndexError:
        many = os.urandom(_ID_BYTES * _IDS_AT_ONCE)
        _new_ids.extend(many[at : at + _ID_BYTES].hex() for at in range(0, len(many), _ID_BYTES))
        return os.urandom(_ID_BYTES).hex()


def _path(scope: Scope) -> str:
    """Return the path without its query string, which may hold what must not be logged."""
    path: str = scope["path"]
    return path
