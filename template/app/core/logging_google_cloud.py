# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Log lines under the names that Google Cloud Logging reads: severity, message, time and trace."""

import re

import structlog
from starlette.datastructures import Headers
from starlette.types import Scope
from structlog.typing import EventDict

# W3C Trace Context (traceparent), and what Google's front ends send beside it.
_TRACE = re.compile(r"(?:00-)?(?P<trace_id>[0-9a-f]{32})(?:[-/;].*)?", re.ASCII)
_HEADERS = ("traceparent", "x-cloud-trace-context")


def bind_trace(scope: Scope) -> None:
    """Log what follows under the trace of this request, when its headers name one."""
    headers = Headers(scope=scope)
    for name in _HEADERS:
        if found := _TRACE.fullmatch(headers.get(name, "")):
            structlog.contextvars.bind_contextvars(trace_id=found["trace_id"])
            return


def for_google_cloud(project: str) -> structlog.typing.Processor:
    """Return the last step of a log line.

    Args:
        project: The Google Cloud project that the traces belong to.
    """

    def rename(logger: object, method: str, event: EventDict) -> EventDict:
        event["severity"] = str(event.pop("level")).upper()
        event["message"] = event.pop("event")
        event["time"] = event.pop("timestamp")
        if trace_id := event.pop("trace_id", None):
            event["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace_id}"
        return event

    return rename
