# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Nothing that a worker keeps from one request to the next decides wrongly about another."""

from pathlib import Path

import httpx2
import pytest
import structlog
from starlette.types import Message

from app.core.edge import KNOWN_HOSTS
from tests.auth.support.core_app import ORIGIN, core_app, core_client


async def test_a_foreign_host_is_refused_after_any_number_of_good_ones(tmp_path: Path) -> None:
    app = core_app(tmp_path, allowed_hosts=["*.example.com"])
    transport = httpx2.ASGITransport(app=app)
    statuses = set()
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for number in range(KNOWN_HOSTS + 20):
            host = f"tenant{number}.example.com"
            for _ in range(2):
                answer = await client.get("/livez", headers={"Host": host})
                statuses.add(answer.status_code)
            foreign = await client.get("/livez", headers={"Host": f"{host}.evil.com"})
            assert foreign.status_code == 400
    await app.state.database.dispose()
    assert statuses == {200}
    # Whoever makes up names of ours cannot fill the memory.
    assert len(vars(app.middleware_stack)["_known_hosts"]) == KNOWN_HOSTS


async def test_no_two_requests_get_the_same_id(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        answers = [await client.get("/livez") for _ in range(600)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 600


async def test_what_one_request_binds_to_the_log_is_gone_in_the_next(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        await client.get("/livez")
        structlog.contextvars.bind_contextvars(account_id="of the one before")
        answer = await client.get("/livez")  # in the same context, as a pipelined one is
    bound = structlog.contextvars.get_contextvars()
    assert bound == {"request_id": answer.headers["x-request-id"]}


@pytest.mark.parametrize("version", ["2", "3", "0.9", None])
async def test_a_body_that_nothing_announces_is_limited_where_the_protocol_allows_one(
    tmp_path: Path, version: str | None
) -> None:
    app = core_app(tmp_path, max_body_size=5)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"[" * 6, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/core/thing", "query_string": b""}
    scope |= {"headers": [(b"host", b"testserver"), (b"content-type", b"application/json")]}
    await app(scope | ({"http_version": version} if version else {}), receive, send)
    await app.state.database.dispose()
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("installed", [True, False])
def test_telemetry_is_asked_for_only_where_something_can_observe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    if installed:
        (tmp_path / "opentelemetry" / "sdk").mkdir(parents=True)
        monkeypatch.syspath_prepend(tmp_path)  # the packages of OpenTelemetry share a folder's name
    configured = vars(core_app(tmp_path))["_telemetry"]
    assert {configured[kind] for kind in ("tracing", "metrics", "logs")} == {installed}
