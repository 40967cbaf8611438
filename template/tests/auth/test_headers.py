# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every response carries the security headers; nothing under /auth is stored (semantics 11)."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from app.core.headers import completed
from tests.auth.support.core_app import core_app, core_client

SECURITY_HEADERS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PAGE = "https://app.example.com"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/livez", 405),
        ("POST", "/core/thing", 413),
        ("GET", "/core/query", 422),
        ("GET", "/core/unforeseen", 500),
    ],
)
async def test_every_response_carries_the_security_headers(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with core_client(tmp_path, max_body_size=5) as client:
        body = b"too long" if status == 413 else None
        response = await client.request(method, path, content=body)
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "x-xss-protection" not in response.headers


async def test_a_request_for_a_foreign_host_is_refused_with_the_same_headers(
    tmp_path: Path,
) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get("/livez", headers={"Host": "evil.example.com"})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert SECURITY_HEADERS.items() <= dict(response.headers).items()


async def test_a_route_may_have_a_content_security_policy_of_its_own(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get("/core/own-policy")
    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]


def test_the_refusal_of_a_web_socket_carries_the_security_headers(tmp_path: Path) -> None:
    client = TestClient(core_app(tmp_path), base_url="https://testserver")
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect("/core/refused"),
    ):
        pass
    assert SECURITY_HEADERS.items() <= dict(refused.value.headers).items()


@pytest.mark.parametrize("path", ["/auth/nothing", "/auth/nowhere"])
async def test_nothing_under_auth_may_be_stored_by_a_cache(tmp_path: Path, path: str) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get(path)
        elsewhere = await client.get("/core/auth-like")
    assert response.headers["cache-control"] == "no-store"
    assert "cache-control" not in elsewhere.headers


@pytest.mark.parametrize("path", ["/livez", "/core/unforeseen"])
async def test_a_listed_origin_may_read_answers_with_credentials(tmp_path: Path, path: str) -> None:
    async with core_client(tmp_path, cors_origins=[PAGE]) as client:
        response = await client.get(path, headers={"Origin": PAGE})
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", f"{PAGE}.evil.com"])
async def test_an_origin_that_is_not_listed_may_read_nothing(tmp_path: Path, origin: str) -> None:
    async with core_client(tmp_path, cors_origins=[PAGE]) as client:
        response = await client.get("/livez", headers={"Origin": origin})
        preflight = await client.options(
            "/livez", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
        )
    assert "access-control-allow-origin" not in response.headers
    assert "access-control-allow-origin" not in preflight.headers
    assert preflight.status_code == 400


async def test_without_listed_origins_no_page_may_read_anything(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get("/livez", headers={"Origin": PAGE})
    assert not any(name.startswith("access-control-") for name in response.headers)


def test_what_is_ours_replaces_what_a_route_says_and_is_there_once() -> None:
    sent = [(b"x-request-id", b"the route's"), (b"x-frame-options", b"SAMEORIGIN")]
    added = [(b"x-frame-options", b"DENY"), (b"referrer-policy", b"no-referrer")]
    assert completed(sent, added, [(b"x-request-id", b"ours")]) == [
        (b"x-frame-options", b"SAMEORIGIN"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-request-id", b"ours"),
    ]
