# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Requests that are too big or ambiguous are refused before anything reads them (semantics 9)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.application import MAX_FORM_FIELDS, MAX_FORM_PART_SIZE
from tests.auth.support.core_app import core_client


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize("path", ["/core/thing", "/core/unread"])
async def test_a_body_that_announces_to_be_too_long_is_refused(tmp_path: Path, path: str) -> None:
    async with core_client(tmp_path, max_body_size=100) as client:
        response = await client.post(path, content=b"x" * 101)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["error"] == "content_too_large"


async def test_a_body_that_turns_out_too_long_is_refused(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/json"}
    async with core_client(tmp_path, max_body_size=100) as client:
        body = in_pieces(b"[" * 60, b"[" * 60)
        response = await client.post("/core/thing", content=body, headers=headers)
    assert "content-length" not in response.request.headers
    assert response.status_code == 413
    assert response.json()["error"] == "content_too_large"


async def test_a_body_of_exactly_the_size_is_read(tmp_path: Path) -> None:
    body = b'{"a":1' + b" " * 93 + b"}"
    headers = {"Content-Type": "application/json"}
    async with core_client(tmp_path, max_body_size=100) as client:
        response = await client.post("/core/numbers", content=body, headers=headers)
    assert (len(body), response.status_code) == (100, 200)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"text": "x" * (MAX_FORM_PART_SIZE - 10)}, 200),
        ({"text": "x" * (MAX_FORM_PART_SIZE + 1)}, 400),
        ({f"field{number}": "x" for number in range(MAX_FORM_FIELDS - 1)} | {"text": "x"}, 200),
        ({f"field{number}": "x" for number in range(MAX_FORM_FIELDS)} | {"text": "x"}, 400),
    ],
    ids=["large field", "larger field", "most fields", "more fields"],
)
async def test_a_form_has_so_many_fields_of_such_a_size(
    tmp_path: Path, form: dict[str, str], status: int
) -> None:
    async with core_client(tmp_path) as client:
        response = await client.post("/core/form", data=form)
    assert response.status_code == status


@pytest.mark.parametrize(
    ("name", "value"),
    [("Authorization", "Bearer a"), ("Host", "testserver")],
)
@pytest.mark.parametrize("path", ["/livez", "/core/query?limit=1", "/nowhere"])
async def test_a_header_that_must_be_single_is_refused_when_it_comes_twice(
    tmp_path: Path, path: str, name: str, value: str
) -> None:
    async with core_client(tmp_path) as client:
        headers = [("Host", "testserver"), (name, value), (name.lower(), value)]
        doubled = headers[-2:] if name == "Host" else headers
        response = await client.get(path, headers=doubled)
    assert len(response.request.headers.get_list(name)) == 2
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


async def test_a_path_with_a_slash_too_many_is_another_path(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        assert (await client.get("/livez/")).status_code == 404
