# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Structured logs: one JSON object a line, ours and every library's, through one redaction."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog

from app.core.logging_exceptions import describe_exception
from app.core.logging_google_cloud import for_google_cloud

Event = MutableMapping[str, Any]

# A field whose name holds one of these is dropped. The name decides: a value cannot be known to be
# harmless.
_SECRET_FIELDS = re.compile(
    r"passw|token(?!_version)|secret|email|authorization|cookie|api_key|body|query", re.IGNORECASE
)
# What looks like a credential inside any other text: a JWT, an API key, or what follows an
# authentication scheme.
_CREDENTIALS = re.compile(
    r"eyJ[\w-]+\.[\w.-]+|gate_[a-z]+_[0-9A-Za-z]+_[0-9A-Za-z]+|(?<=Bearer )\S+|(?<=Basic )\S+"
)

_SECURITY_LOGGER = "app.security"
_ACCESS_LOGGER = "app.access"
_access_log = logging.getLogger(_ACCESS_LOGGER)
_quote = json.encoder.encode_basestring_ascii


def configure_logging(
    level: str,
    *,
    exception_messages: bool = False,
    to: Literal["stdout", "stderr"] = "stdout",
    google_cloud_project: str | None = None,
) -> None:
    """Send all logs of the process to standard output, or to standard error, as JSON.

    Args:
        level: Least level of ordinary logs; security events come out whatever it is.
        exception_messages: Also log the messages of exceptions, which may repeat what was sent: not
            in production.
        to: A command line keeps its standard output for its answer.
        google_cloud_project: Its traces, and fields named as Cloud Logging reads them.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception(with_messages=exception_messages),
        _redact,
    ]
    handler = _StandardStream(to, plain=not google_cloud_project)
    last = [for_google_cloud(google_cloud_project)] if google_cloud_project else []
    handler.setFormatter(_json_formatter(shared, last))
    root = logging.getLogger()
    # Ours replaces ours: called twice, nothing is logged twice; handlers of others stay.
    root.handlers = [h for h in root.handlers if not isinstance(h, _StandardStream)] + [handler]
    root.setLevel(level)
    logging.getLogger(_SECURITY_LOGGER).setLevel(logging.INFO)
    _take_over()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def security_event(name: str, /, **fields: object) -> None:
    """Log a named security event with its request id (ASVS 5.0 16.2.1, 16.3).

    Args:
        name: The event, in words joined by underscores: `login_failed`.
        fields: Ids and reasons. A token, password or e-mail does not belong here, and is dropped by
            its name.
    """
    structlog.stdlib.get_logger(_SECURITY_LOGGER).info(name, **fields)


def logs_access() -> bool:
    """Tell whether anybody wants the lines of `access_event`."""
    return _access_log.isEnabledFor(logging.INFO)


def access_event(*, method: str, path: str, status: int, seconds: float, request_id: str) -> None:
    """Log how a request ended; the line that structlog would make takes ten times as long."""
    handlers = _access_log.handlers or logging.root.handlers
    only = handlers[0] if len(handlers) == 1 else None
    if not (isinstance(only, _StandardStream) and only.plain):  # others listen, or other names
        structlog.stdlib.get_logger(_ACCESS_LOGGER).info(
            "request", method=method, path=path, status=status, seconds=round(seconds, 4)
        )
        return
    only.write(
        f'{{"method": {_quote(method)}, "path": {_quote(_clean(path))}, "status": {status}, '
        f'"seconds": {seconds:.4f}, "event": "request", "request_id": {_quote(request_id)}, '
        f'"logger": "{_ACCESS_LOGGER}", "level": "info", '
        f'"timestamp": "{datetime.now(UTC).isoformat()[:-6]}Z"}}'
    )


def _json_formatter(
    shared: list[structlog.typing.Processor], last: list[structlog.typing.Processor]
) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *last,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


class _StandardStream(logging.Handler):
    """Writes to whatever standard output, or standard error, is at that moment."""

    def __init__(self, name: Literal["stdout", "stderr"], *, plain: bool) -> None:
        super().__init__()
        self._name = name
        self.plain = plain  # its lines have the names that structlog gives them

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.write(self.format(record))

    def write(self, line: str) -> None:
        """Write what is formatted already."""
        stream: TextIO = getattr(sys, self._name)
        stream.write(f"{line}\n")
        stream.flush()


def _take_over() -> None:
    """Let uvicorn log the common way, and silence what would log query strings."""
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # Our own access log replaces uvicorn's, httpx2 logs the whole URL of each request.
    for name in ("uvicorn.access", "httpx2"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).setLevel(logging.WARNING)


def _redact(logger: object, method: str, event: Event) -> Event:
    """Drop fields named like secrets and blank what looks like a credential, at any depth."""
    return {key: _clean(value) for key, value in event.items() if not _SECRET_FIELDS.search(key)}


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if not _SECRET_FIELDS.search(str(key))}
        return {str(key): _clean(inner) for key, inner in kept.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    if isinstance(value, BaseException):
        return type(value).__name__  # its message may repeat what was sent
    return _CREDENTIALS.sub("[redacted]", str(value))
