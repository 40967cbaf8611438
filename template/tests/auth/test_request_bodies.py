# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A body has one meaning or is refused: what two readers take differently gets past one of them."""

import importlib
import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from app.core import strict_json
from app.core.errors import InvalidRequest
from app.core.strict_json import UnambiguousBodiesMiddleware
from tests.auth.support.answers import INVALID_REQUEST, problem
from tests.auth.support.credentials import PASSWORD, Tokens, User
from tests.auth.support.service import Service

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# A login that works, and the same in forms that some readers understand and others do not.
AMBIGUOUS = {
    "a member twice": '{{"email": "a@example.com", {rest}',
    "a member twice, escaped": '{{"em\\u0061il": "a@example.com", {rest}',
    "a member twice, further in": '{{"x": {{"a": 1, "a": 2}}, {rest}',
    "not a number": '{{"x": NaN, {rest}',
    "infinity": '{{"x": [-Infinity], {rest}',
}
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")


async def log_in(
    service: Service, content: bytes, media_type: str = "application/json"
) -> httpx2.Response:
    """Log in with exactly these bytes."""
    headers = {"Content-Type": media_type, "Sec-Fetch-Site": "same-origin"}
    return await service.client.post("/auth/session", content=content, headers=headers)


def body(account: User) -> str:
    """Return the JSON of a good login."""
    return json.dumps({"email": account.email, "password": account.password})


@pytest.mark.parametrize("name", AMBIGUOUS)
@pytest.mark.parametrize("media_type", ["application/json", "Application/Problem+JSON; charset=x"])
async def test_json_that_readers_may_take_differently_is_refused(
    service: Service, account: User, name: str, media_type: str
) -> None:
    good = body(account)
    text = AMBIGUOUS[name].format(rest=good.removeprefix("{"))
    assert problem(await log_in(service, text.encode(), media_type)) == INVALID_REQUEST
    # The control: without the oddity the same request logs in.
    assert (await log_in(service, good.encode(), media_type)).status_code == 200


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_json_in_another_encoding_than_utf_8_is_refused(
    service: Service, account: User, encoding: str
) -> None:
    content = body(account).encode(encoding)
    assert problem(await log_in(service, content)) == INVALID_REQUEST


async def test_bytes_that_are_no_text_are_refused(service: Service) -> None:
    content = b'{"email": "a@example.com", "password": "\xff\xfe"}'
    assert problem(await log_in(service, content)) == INVALID_REQUEST


async def test_json_that_comes_in_pieces_is_read_whole(service: Service, account: User) -> None:
    whole = body(account).encode()
    doubled = whole[:-1] + b', "email": "a@example.com"}'

    async def pieces(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    headers = JSON | {"Sec-Fetch-Site": "same-origin"}
    answers = [
        await service.client.post("/auth/session", content=pieces(content), headers=headers)
        for content in (whole, doubled)
    ]
    assert [answer.status_code for answer in answers] == [200, 400]


async def test_no_route_takes_a_member_twice(service: Service, tokens: Tokens) -> None:
    document = (await service.client.get("/openapi.json")).json()
    tried = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "application/json" not in operation.get("requestBody", {}).get("content", {}):
                continue
            response = await service.client.request(
                method.upper(), path, content=b'{"a": 1, "a": 1}', headers=JSON | tokens.bearer
            )
            assert problem(response) == INVALID_REQUEST, (method, path)
            tried += 1
    assert tried >= 10


@pytest.mark.parametrize("name", ["username", "password", "scope", "grant_type", "x"])
async def test_a_form_with_a_field_twice_is_refused(
    service: Service, account: User, name: str
) -> None:
    fields = {"username": account.email, "password": PASSWORD, "grant_type": "password"}
    fields |= {"scope": "items:read", "x": "y"}
    once = list(fields.items())
    twice = [*once, (name, fields[name])]
    answers = [
        await service.client.post("/auth/token", content=urlencode(form), headers=FORM)
        for form in (once, twice)
    ]
    assert answers[0].status_code == 200
    assert problem(answers[1]) == INVALID_REQUEST


def test_the_parser_is_found_where_it_was_before() -> None:
    # Code of yours may import it from there; two parsers would be two meanings.
    before = importlib.import_module("app.auth.strict_json")
    assert before.parse_json_object is strict_json.parse_json_object
    assert before.MalformedJson is strict_json.MalformedJson


@pytest.mark.parametrize("size", [7, 1000], ids=["in pieces", "whole"])
async def test_a_member_twice_is_found_however_a_server_hands_the_body_on(size: int) -> None:
    content = b'{"email": "a@example.com", "email": "b@example.com"}'
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    messages = [
        {"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts
    ]

    async def read_all(_: Scope, receive: Receive, __: Send) -> None:
        while (await receive())["more_body"]:
            pass

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    with pytest.raises(InvalidRequest):
        await UnambiguousBodiesMiddleware(read_all)(scope, receive, send)
