# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Errors are problem details, constant per error, and repeat nothing that was sent (RFC 9457)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from app.core import errors
from tests.auth.support.core_app import CANARY, core_app, core_client

BAD_THING = {"email": CANARY, "password": {CANARY: 1}, "colour": CANARY, "number": CANARY}


def all_errors(base: type[errors.AppError] = errors.AppError) -> Iterator[type[errors.AppError]]:
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__ and not error.__name__.startswith("_"):
            yield error
        yield from all_errors(error)


@pytest.mark.parametrize("error", list(all_errors()))
def test_the_error_tree_in_the_docstring_says_status_and_code(error: type[errors.AppError]) -> None:
    (line,) = [
        line for line in (errors.__doc__ or "").splitlines() if f" {error.__name__} " in line
    ]
    assert f" {error.status} {error.error} " in f"{line} "


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/livez", 405, "method_not_allowed"),
        ("GET", "/core/teapot", 418, "im_a_teapot"),
        ("GET", "/core/slow-down", 429, "too_many_requests"),
        ("GET", "/core/unforeseen", 500, "server_error"),
    ],
)
async def test_every_error_has_one_shape_and_says_nothing_else(
    tmp_path: Path, method: str, path: str, status: int, error: str
) -> None:
    async with core_client(tmp_path) as client:
        response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body == {
        "type": "about:blank",
        "title": body["title"],
        "status": status,
        "error": error,
    }
    assert CANARY not in response.text


async def test_headers_of_an_http_exception_are_kept(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        assert (await client.get("/core/teapot")).headers["x-tea"] == "green"
        assert (await client.put("/livez")).headers["allow"] == "GET"


async def test_a_used_up_limit_says_when_to_come_back(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        assert (await client.get("/core/slow-down")).headers["retry-after"] == "7"


@pytest.mark.parametrize("error", [errors.TooManyRequests(0), errors.ServiceUnavailable(-3)])
def test_nobody_is_told_to_come_back_at_once(error: errors.AppError) -> None:
    assert error.headers() == {"Retry-After": "1"}


def test_a_missing_scope_is_named_in_the_challenge() -> None:
    assert errors.InsufficientScope(["items:read", "items:write"]).headers() == {
        "WWW-Authenticate": 'Bearer realm="api", error="insufficient_scope", '
        'scope="items:read items:write"'
    }


def test_no_error_is_named_when_no_credentials_came() -> None:
    assert errors.Unauthenticated().headers() == {"WWW-Authenticate": 'Bearer realm="api"'}


async def validation_errors(tmp_path: Path, path: str, **request: Any) -> list[dict[str, object]]:
    """Return the errors of a 422 that repeats nothing."""
    async with core_client(tmp_path) as client:
        response = await client.post(path, **request)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert CANARY not in response.text
    body = response.json()
    assert body.keys() == {"type", "title", "status", "error", "errors"}
    found: list[dict[str, object]] = body["errors"]
    return found


async def test_a_422_names_declared_fields_and_kinds_of_fault_only(tmp_path: Path) -> None:
    assert await validation_errors(tmp_path, "/core/thing", json=BAD_THING) == [
        {"loc": ["body", "email"], "type": "value_error"},
        {"loc": ["body", "password"], "type": "string_type"},
        {"loc": ["body", "colour"], "type": "enum"},
        {"loc": ["body", "number"], "type": "int_parsing"},
    ]


async def test_a_422_does_not_repeat_undeclared_keys_and_counts_them_once(tmp_path: Path) -> None:
    body = {"number": 1, CANARY: 1, f"{CANARY}-2": 2}
    found = await validation_errors(tmp_path, "/core/thing", json=body)
    assert found[-1] == {"loc": ["body"], "type": "extra_forbidden"}
    assert len(found) == 4  # three missing fields, and all undeclared ones together


async def test_a_422_does_not_repeat_the_keys_of_a_dictionary(tmp_path: Path) -> None:
    found = await validation_errors(tmp_path, "/core/numbers", json={CANARY: CANARY})
    assert found == [{"loc": ["body"], "type": "int_parsing"}]


async def test_a_422_names_the_parameter_when_a_body_has_two(tmp_path: Path) -> None:
    found = await validation_errors(tmp_path, "/core/two", json={"first": BAD_THING})
    assert {"loc": ["body", "first"], "type": "enum"} in found
    assert {"loc": ["body", "second"], "type": "missing"} in found


@pytest.mark.parametrize("content", [f'{{"{CANARY}', f'{{"a": "{CANARY}"', "{'x'}"])
async def test_a_422_does_not_repeat_broken_json(tmp_path: Path, content: str) -> None:
    headers = {"Content-Type": "application/json"}
    found = await validation_errors(tmp_path, "/core/thing", content=content, headers=headers)
    assert found == [{"loc": ["body"], "type": "json_invalid"}]


async def test_a_422_does_not_repeat_a_body_that_is_no_json(tmp_path: Path) -> None:
    found = await validation_errors(tmp_path, "/core/thing", content=CANARY)
    assert found == [{"loc": ["body"], "type": "model_attributes_type"}]


async def test_a_422_does_not_repeat_query_parameters_and_headers(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get(
            "/core/query", params={"limit": CANARY, CANARY: 1}, headers={"X-Page": CANARY}
        )
    assert response.json()["errors"] == [
        {"loc": ["query", "limit"], "type": "int_parsing"},
        {"loc": ["header", "x-page"], "type": "int_parsing"},
    ]
    assert CANARY not in response.text


def test_a_web_socket_is_refused_with_a_problem(tmp_path: Path) -> None:
    client = TestClient(core_app(tmp_path), base_url="https://testserver")
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("/core/refused"),
    ):
        pass
    assert refused.value.status_code == 403
    assert json.loads(refused.value.text)["error"] == "forbidden"


def test_a_web_socket_with_bad_parameters_is_refused_without_repeating_them(
    tmp_path: Path,
) -> None:
    client = TestClient(core_app(tmp_path), base_url="https://testserver")
    path = f"/core/dropped?limit={CANARY}"
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(path):
        pass
    assert refused.value.status_code == 422
    assert CANARY not in refused.value.text


def test_a_web_socket_in_use_is_closed_as_a_violation_of_policy(tmp_path: Path) -> None:
    client = TestClient(core_app(tmp_path), base_url="https://testserver")
    path = "/core/dropped?limit=1"
    with client.websocket_connect(path) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (1008, "")
