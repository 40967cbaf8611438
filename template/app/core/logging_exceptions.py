# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How exceptions are logged: types and places; a message may repeat what was sent."""

import sys
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

Event = MutableMapping[str, Any]

# The innermost frames of each exception; recursion would fill the log.
_MAX_FRAMES = 15


def describe_exception(*, with_messages: bool) -> Callable[[object, str, Event], Event]:
    """Return a structlog processor that makes of `exc_info` a list of exceptions, cause first."""

    def process(logger: object, method: str, event: Event) -> Event:
        error = _exception(event.pop("exc_info", None))
        if error is not None:
            event["exception"] = _describe(error, with_messages=with_messages)
        return event

    return process


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info is True:
        exc_info = sys.exc_info()[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _describe(error: BaseException, *, with_messages: bool) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        described.append(_describe_one(current, with_messages=with_messages))
        context = None if current.__suppress_context__ else current.__context__
        current = current.__cause__ or context
    return described[::-1]


def _describe_one(error: BaseException, *, with_messages: bool) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    one: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, BaseExceptionGroup):
        inner = error.exceptions
        one["exceptions"] = [_describe(part, with_messages=with_messages) for part in inner]
    if with_messages:
        one["message"] = str(error)
    return one
