# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""JSON as a security boundary reads it: one meaning or none (RFC 8259 sections 4 and 8.1)."""

import json
from codecs import BOM_UTF8
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import InvalidRequest


class MalformedJson(ValueError):
    """Not JSON."""


class AmbiguousJson(MalformedJson):
    """JSON to some readers, or other JSON: a name twice, NaN, an encoding that is not UTF-8."""


def parse_json_object(data: bytes) -> dict[str, Any]:
    """Parse strictly: UTF-8, one object, no name twice, no NaN (RFC 7515 section 4)."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise MalformedJson
    return value


def parse_json(data: bytes) -> Any:
    """Parse strictly.

    Raises:
        AmbiguousJson: readers may differ over what it says.
        MalformedJson: it is no JSON.
    """
    # A NUL is never JSON in UTF-8, and often JSON in UTF-16; Python guesses that.
    if b"\0" in data or data.startswith(BOM_UTF8):
        raise AmbiguousJson
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AmbiguousJson from error
    try:
        return json.loads(text, object_pairs_hook=_unique_members, parse_constant=_refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise MalformedJson from error


class UnambiguousBodiesMiddleware:
    """Refuses a JSON body that two readers may understand differently; FastAPI takes the last name.

    What is no JSON at all is left to FastAPI, which says so.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, which gets an error in place of the end of such a body."""
        if scope["type"] != "http" or not _claims_to_be_json(scope):
            await self.app(scope, receive, send)
            return
        body = bytearray()  # the app stops reading at its max_body_size

        async def receive_unambiguous() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            if message["type"] == "http.request" and not message.get("more_body", False):
                _require_unambiguous(bytes(body))
            return message

        await self.app(scope, receive_unambiguous, send)


def _claims_to_be_json(scope: Scope) -> bool:
    return any(
        b"json" in value.lower() for name, value in scope["headers"] if name == b"content-type"
    )


def _require_unambiguous(body: bytes) -> None:
    try:
        parse_json(body)
    except AmbiguousJson as error:
        raise InvalidRequest from error
    except MalformedJson:
        return


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise AmbiguousJson("a member name stands twice")
    return members


def _refuse(constant: str) -> None:
    raise AmbiguousJson(f"{constant} is not JSON")
