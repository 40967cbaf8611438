# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Workers that answer from their own copy of the deny-list; only in services that use Redis."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from app.core.redis import create_redis
from tests.auth.support.plugin import StartWorkers
from tests.auth.support.processes import Server
from tests.auth.support.workers import Workers

LEASED = "auth_deny_list_lease 1.0"
METRICS_TOKEN = secrets.token_urlsafe(48)
METRICS = {"Authorization": f"Bearer {METRICS_TOKEN}"}
StartLeased = Callable[..., Awaitable[Workers]]


@pytest.fixture
def leased(workers: StartWorkers, own_redis_server: Server) -> StartLeased:
    """Starts workers on a Redis of this test's own, and waits until each holds a lease."""

    async def start(count: int = 3, **settings: object) -> Workers:
        redis = {
            "redis_url": own_redis_server.url,
            "metrics_token": METRICS_TOKEN,
            "revocation_check": "replica",
        }
        service = await workers(count, **(redis | settings))
        for client in service.clients:
            await wait_for_lease(client)
        return service

    return start


async def metrics(client: httpx2.AsyncClient) -> str:
    """Return a worker's numbers."""
    return (await client.get("/metrics", headers=METRICS)).text


async def wait_for_lease(client: httpx2.AsyncClient) -> None:
    """Wait until a worker answers from its copy."""
    async with asyncio.timeout(30):
        while LEASED not in await metrics(client):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


@asynccontextmanager
async def look_ups(server: Server) -> AsyncGenerator[Callable[[], Awaitable[int]]]:
    """Count the look-ups that Redis has answered."""
    client = create_redis(server.url)

    async def count() -> int:
        statistics: Any = await client.info("commandstats")
        return int(statistics.get("cmdstat_mget", {"calls": 0})["calls"])

    yield count
    await client.aclose()
