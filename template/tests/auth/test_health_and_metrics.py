# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Health says yes or no and nothing else; numbers need their own token (semantics 1 and 11)."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from app.core import health
from tests.auth.support.core_app import METRICS_TOKEN, ORIGIN, core_app, core_client


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ORIGIN)


async def test_a_living_and_ready_service_says_ok(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        for path in ("/livez", "/readyz"):
            response = await client.get(path)
            assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("fault", ["fails", "hangs"])
async def test_a_service_whose_parts_do_not_answer_is_alive_but_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    async def check() -> None:
        if fault == "hangs":
            await asyncio.Event().wait()
        raise ConnectionError("the address of something")

    monkeypatch.setattr(health, "CHECK_TIMEOUT", 0.05)
    app = core_app(tmp_path)
    app.state.readiness["part"] = check
    async with client_of(app) as client, asyncio.timeout(5):
        alive, ready = await client.get("/livez"), await client.get("/readyz")
    await app.state.database.dispose()
    assert alive.status_code == 200
    assert ready.status_code == 503
    assert ready.json()["error"] == "temporarily_unavailable"
    assert ready.json().keys() == {"type", "title", "status", "error"}


async def test_a_service_whose_database_cannot_be_reached_is_not_ready_and_says_so_at_once(
    tmp_path: Path,
) -> None:
    async with core_client(
        tmp_path, database_url=f"sqlite+aiosqlite:///{tmp_path}/no/x.db"
    ) as client:
        assert (await client.get("/readyz")).status_code == 503
    url = "postgresql+asyncpg://service:password@127.0.0.1:1/service"
    async with core_client(tmp_path, database_url=url) as client, asyncio.timeout(2):
        assert (await client.get("/readyz")).status_code == 503


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, 'Bearer realm="api"'),
        (f"Basic {METRICS_TOKEN}", 'Bearer realm="api"'),
        ("Bearer wrong", 'Bearer realm="api", error="invalid_token"'),
        ("Bearer ", 'Bearer realm="api", error="invalid_token"'),
        (f"Bearer {METRICS_TOKEN}x", 'Bearer realm="api", error="invalid_token"'),
    ],
)
async def test_numbers_are_not_public(
    tmp_path: Path, authorization: str | None, challenge: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with core_client(tmp_path) as client:
        response = await client.get("/metrics", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == challenge


async def test_numbers_are_given_to_the_holder_of_their_token(tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    async with core_client(tmp_path) as client:
        response = await client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert "process_" in response.text


async def test_there_are_no_numbers_until_a_token_is_set(tmp_path: Path) -> None:
    async with core_client(tmp_path, metrics_token=None) as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_health_and_numbers_are_not_in_the_documentation(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert not {"/livez", "/readyz", "/metrics", "/docs", "/openapi.json"} & set(paths)
