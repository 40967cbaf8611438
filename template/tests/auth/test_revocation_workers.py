# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A logout that has answered holds on every worker, whatever becomes of one of them."""

import asyncio
import time

import httpx2
import pytest

from app.auth.revocation_redis import TERMS
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens
from tests.auth.support.leased import StartLeased, look_ups, wait_for_lease
from tests.auth.support.plugin import StartWorkers
from tests.auth.support.processes import Server

pytestmark = pytest.mark.slow


async def log_out(client: httpx2.AsyncClient, tokens: Tokens) -> int:
    """Log out by the refresh token."""
    body = {"refresh_token": tokens.refresh_token}
    return (await client.post("/auth/logout", json=body, timeout=20)).status_code


async def ask(client: httpx2.AsyncClient, tokens: Tokens) -> tuple[int, str] | None:
    """Present an access token; return None when it is accepted and the problem otherwise."""
    response = await client.get("/auth/sessions", headers=tokens.bearer, timeout=20)
    return None if response.status_code == 200 else problem(response)


async def test_a_logout_holds_on_every_worker_and_no_request_asks_redis(
    leased: StartLeased, own_redis_server: Server
) -> None:
    service = await leased()
    account = await service.account()
    async with look_ups(own_redis_server) as count:
        before = await count()
        for number in range(20):
            ended, living = await service.login(account), await service.login(account)
            assert await log_out(service.clients[number % 3], ended) == 204
            answers = await asyncio.gather(*(ask(each, ended) for each in service.clients))
            assert answers == [INVALID_TOKEN] * 3
            assert await ask(service.clients[number % 3], living) is None
        assert await count() == before


@pytest.mark.parametrize("check", ["replica", "strict"])
async def test_both_ways_to_check_may_run_side_by_side(
    workers: StartWorkers, leased: StartLeased, check: str
) -> None:
    # As while the setting is being changed, one worker after the other.
    first = await leased(1)
    shared = ("database_url", "redis_url", "redis_key_prefix")
    other = {"revocation_check": check} | {n: getattr(first.settings, n) for n in shared}
    second = await workers(1, **other)
    account = await first.account()
    for one, another in ((first, second), (second, first)):
        tokens = await first.login(account)
        assert await ask(another.client, tokens) is None
        assert await log_out(one.client, tokens) == 204
        assert await ask(another.client, tokens) == INVALID_TOKEN


async def test_a_stopped_worker_delays_one_logout_and_is_not_wrong_when_it_wakes(
    leased: StartLeased,
) -> None:
    service = await leased()
    account = await service.account()
    several = [await service.login(account) for _ in range(4)]
    stopped, client = service.servers[0], service.clients[0]
    stopped.pause()
    started = time.monotonic()
    try:
        assert await log_out(service.clients[1], several[0]) == 204
        first = time.monotonic() - started
        assert first < TERMS.remembered + 2
        assert await log_out(service.clients[1], several[1]) == 204
        second = time.monotonic() - started - first
        assert second < TERMS.lease, "who is known to be away is not waited for again"
        # These wait in the socket until the worker wakes, with a lease that has run out.
        asked = [asyncio.create_task(ask(client, tokens)) for tokens in several]
        await asyncio.sleep(0.2)
    finally:
        stopped.resume()
    answers = await asyncio.gather(*asked)
    assert answers[:2] == [INVALID_TOKEN] * 2
    assert answers[2:] == [None] * 2


async def test_a_killed_worker_is_waited_for_no_longer_than_its_lease(
    leased: StartLeased,
) -> None:
    service = await leased()
    account = await service.account()
    several = [await service.login(account) for _ in range(2)]
    service.servers[0].kill()
    started = time.monotonic()
    assert await log_out(service.clients[1], several[0]) == 204
    assert time.monotonic() - started < TERMS.remembered + 2
    service.servers[0].start()
    await wait_for_lease(service.clients[0])
    assert await ask(service.clients[0], several[0]) == INVALID_TOKEN
    started = time.monotonic()
    assert await log_out(service.clients[0], several[1]) == 204
    assert time.monotonic() - started < TERMS.lease


async def test_a_worker_that_ends_in_order_is_not_waited_for(leased: StartLeased) -> None:
    service = await leased(2)
    tokens = await service.login(await service.account())
    service.servers[0].stop()
    started = time.monotonic()
    assert await log_out(service.clients[1], tokens) == 204
    assert time.monotonic() - started < TERMS.lease


async def test_a_worker_that_starts_late_knows_what_was_revoked(
    leased: StartLeased, own_redis_server: Server
) -> None:
    # A deny-list that lives in Redis alone would be empty for it.
    service = await leased(2)
    tokens = await service.login(await service.account())
    assert await log_out(service.clients[1], tokens) == 204
    service.servers[0].kill()
    own_redis_server.stop()
    own_redis_server.start()
    service.servers[0].start()
    await wait_for_lease(service.clients[0])
    assert await ask(service.clients[0], tokens) == INVALID_TOKEN


async def test_logouts_at_once_on_all_workers_all_hold(leased: StartLeased) -> None:
    service = await leased()
    account = await service.account()
    several = [await service.login(account) for _ in range(60)]
    statuses = await asyncio.gather(
        *(log_out(service.clients[number % 3], each) for number, each in enumerate(several))
    )
    assert set(statuses) == {204}
    for client in service.clients:
        answers = await asyncio.gather(*(ask(client, each) for each in several))
        assert set(answers) == {INVALID_TOKEN}
