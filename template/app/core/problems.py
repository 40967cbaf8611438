# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Turns every error into problem details (RFC 9457) that are constant per error."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.status import WS_1008_POLICY_VIOLATION
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState
from structlog.stdlib import get_logger

from app.core.declared_fields import declared_fields
from app.core.errors import (
    AppError,
    Conflict,
    ContentTooLarge,
    Forbidden,
    InternalError,
    InvalidRequest,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
    UnprocessableContent,
)

_log = get_logger("app.problems")

# Which of our errors stands for a status that Starlette, FastAPI or a plain HTTPException answers
# with.
_BY_STATUS: dict[int, type[AppError]] = {
    error.status: error
    for error in (
        InvalidRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        ContentTooLarge,
        UnprocessableContent,
        TooManyRequests,
        InternalError,
        ServiceUnavailable,
    )
}


class ProblemResponse(JSONResponse):
    """Problem details; to a WebSocket a denial, or where that cannot be sent, a close."""

    media_type = "application/problem+json"
    accepted = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        deniable = "websocket.http.response" in scope.get("extensions", {}) and not self.accepted
        if scope["type"] == "websocket" and not deniable:
            await send({"type": "websocket.close", "code": WS_1008_POLICY_VIOLATION})
            return
        await super().__call__(scope, receive, send)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error of the app, foreseen or not, with problem details."""
    app.add_exception_handler(AppError, _on_error)
    app.add_exception_handler(HTTPException, _on_error)
    app.add_exception_handler(RequestValidationError, _on_error)
    app.add_exception_handler(WebSocketRequestValidationError, _on_error)
    # Starlette raises these again after the answer, for the server's log.
    app.add_exception_handler(Exception, _on_error)


def problem(error: AppError, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """Return the response to an error; headers given here go before the error's own."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    own = {name.lower(): value for name, value in error.headers().items()}
    return ProblemResponse(error.body(), status_code=error.status, headers={**own, **given})


def status_problem(status: int, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """Return problem details for a status; those of our own error where one stands for it."""
    if known := _BY_STATUS.get(status):
        return problem(known(), headers)
    phrase = HTTPStatus(status).phrase
    code = phrase.lower().replace(" ", "_").replace("'", "")
    body = {"type": "about:blank", "title": phrase, "status": status, "error": code}
    return ProblemResponse(body, status_code=status, headers=headers)


async def _on_error(connection: HTTPConnection, error: Exception) -> Response:
    response = _answer(connection, error)
    if isinstance(connection, WebSocket):
        response.accepted = connection.application_state is not WebSocketState.CONNECTING
    return response


def _answer(connection: HTTPConnection, error: Exception) -> ProblemResponse:
    match error:
        case AppError():
            if isinstance(error, ServiceUnavailable):
                _log.warning("unavailable", exc_info=error)
            return problem(error)
        case HTTPException():
            # Status and headers (Allow, WWW-Authenticate); the detail may repeat what was sent.
            return status_problem(error.status_code, error.headers)
        case RequestValidationError() | WebSocketRequestValidationError():
            declared = declared_fields(connection.scope.get("route"))
            return problem(UnprocessableContent(_declared_errors(error.errors(), declared)))
        case _:
            return problem(InternalError())


def _declared_errors(
    errors: Iterable[Mapping[str, Any]], declared: frozenset[str]
) -> list[dict[str, object]]:
    """Return declared fields and kinds of fault; values, messages and undeclared keys stay here."""
    # A dict, for distinct errors in order: a thousand undeclared keys are one error.
    found = {(_location(error["loc"], declared), str(error["type"])): None for error in errors}
    return [{"loc": list(location), "type": kind} for location, kind in found]


def _location(loc: Sequence[str | int], declared: frozenset[str]) -> tuple[str, ...]:
    """Return the source (body, query, ...) and, when the service declared its name, the field."""
    source, *path = loc
    field = path[0] if path else None
    return (str(source), field) if isinstance(field, str) and field in declared else (str(source),)
