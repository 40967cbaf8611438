# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""With a copy of the deny-list, what ends a key holds on every worker before it is answered.

Nothing of it takes a round trip: a worker compares what it remembers of a key with its own copy.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from app import scopes
from app.auth import administration, api_key_administration, service_principals
from app.auth.api_key_cache import Verdict
from app.auth.api_key_format import PresentedKey
from app.auth.revocation_redis import TERMS
from app.auth.runtime import Auth
from app.auth.wiring import open_auth
from app.core.database import Database
from tests.auth.support import probe
from tests.auth.support.answers import problem
from tests.auth.support.api_keys import Key, Owner, service_key, use
from tests.auth.support.key_world import two_workers
from tests.auth.support.kit import Kit
from tests.auth.support.leased import StartLeased, look_ups
from tests.auth.support.new_epoch import shorten_terms
from tests.auth.support.plugin import StartWorkers
from tests.auth.support.processes import Server
from tests.auth.support.stories import WORKERS
from tests.auth.support.workers import Workers
from tests.auth.test_api_key_state_machine import drive

UNAVAILABLE = (503, "temporarily_unavailable")


@asynccontextmanager
async def command_line(service: Workers) -> AsyncIterator[Auth]:
    """Do what a command does: in a process that serves nobody, and tells the workers."""
    database = Database(service.settings.database_url, pool_size=1)
    with pytest.MonkeyPatch.context() as patch:
        for name, meaning in probe.SCOPES.items():
            patch.setitem(scopes.SCOPES, name, meaning)
        async with open_auth(service.settings, database, service.clock) as auth:
            yield auth
    await database.dispose()


async def statuses(service: Workers, key: Key, path: str = "/probe") -> Sequence[int]:
    """Return what each worker answers to a key."""
    return await asyncio.gather(*(use(client, key, path) for client in service.clients))


@pytest.mark.slow
async def test_what_ends_a_key_holds_on_every_worker_with_the_answer(
    leased: StartLeased, own_redis_server: Server
) -> None:
    service = await leased()
    owner, disabled, deleted = [await Owner.on(service) for _ in range(3)]
    revoked, by_line, one, other = [await owner.make() for _ in range(4)]
    of_disabled, of_deleted = await disabled.make(), await deleted.make()
    async with command_line(service) as auth, look_ups(own_redis_server) as count:
        name, machine = await service_key(auth)
        for key in (revoked, by_line, one, other, of_disabled, of_deleted, machine):
            assert await statuses(service, key) == [200] * 3
        before = await count()

        client, headers = service.clients[0], owner.tokens.bearer
        answer = await client.delete(f"/auth/api-keys/{revoked.id}", headers=headers)
        assert answer.status_code == 204
        assert await statuses(service, revoked) == [401] * 3
        await api_key_administration.revoke_key(auth, by_line.id)
        assert await statuses(service, by_line) == [401] * 3
        await administration.disable(auth, disabled.user.id)
        assert await statuses(service, of_disabled) == [401] * 3
        answer = await client.delete("/auth/me", headers=deleted.tokens.bearer)
        assert answer.status_code == 204
        assert await statuses(service, of_deleted) == [401] * 3
        await administration.disable(auth, (await service_principals.find(auth, name)).id)
        assert await statuses(service, machine) == [401] * 3
        await api_key_administration.revoke_all_keys(auth, owner.user.email)
        assert await statuses(service, one) == await statuses(service, other) == [401] * 3
        assert await count() == before, "a request asked Redis"


@pytest.mark.slow
async def test_a_scope_that_was_taken_away_is_gone_on_every_worker_with_the_answer(
    leased: StartLeased,
) -> None:
    service = await leased()
    owner = await Owner.on(service)
    key = await owner.make()
    assert await statuses(service, key, "/probe/write") == [200] * 3
    async with command_line(service) as auth:
        account = await administration.find_account(auth, owner.user.email)
        await administration.set_scope(auth, account, "probe:read")
    assert await statuses(service, key, "/probe/write") == [403] * 3
    assert await statuses(service, key, "/probe/read") == [200] * 3


@pytest.mark.slow
async def test_a_key_goes_on_where_only_its_owner_was_logged_out(leased: StartLeased) -> None:
    service = await leased()
    owner = await Owner.on(service)
    key = await owner.make()
    assert await statuses(service, key) == [200] * 3
    answer = await service.client.post("/auth/logout-all", headers=owner.tokens.bearer)
    assert answer.status_code == 204
    assert await statuses(service, key) == [200] * 3


@pytest.mark.slow
async def test_a_stopped_worker_refuses_an_ended_key_when_it_wakes(leased: StartLeased) -> None:
    service = await leased()
    owner = await Owner.on(service)
    ended, living = await owner.make(), await owner.make()
    assert await statuses(service, ended) == await statuses(service, living) == [200] * 3
    stopped, client = service.servers[0], service.clients[0]
    stopped.pause()
    started = time.monotonic()
    try:
        path, headers = f"/auth/api-keys/{ended.id}", owner.tokens.bearer
        answer = await service.clients[1].delete(path, headers=headers, timeout=20)
        assert answer.status_code == 204
        assert time.monotonic() - started < TERMS.remembered + 2
        # These wait in the socket until the worker wakes, with a lease that has run out.
        requests = [client.get("/probe", headers=key.header, timeout=20) for key in (ended, living)]
        asked = [asyncio.create_task(request) for request in requests]
        await asyncio.sleep(0.2)
    finally:
        stopped.resume()
    assert [(await each).status_code for each in asked] == [401, 200]


@pytest.mark.slow
async def test_a_worker_without_lease_and_redis_believes_no_key(
    leased: StartLeased, own_redis_server: Server
) -> None:
    service = await leased(1)
    key = await (await Owner.on(service)).make()
    assert await statuses(service, key) == [200]
    own_redis_server.kill()
    await asyncio.sleep(TERMS.lease)
    response = await service.client.get("/probe", headers=key.header)
    assert problem(response) == UNAVAILABLE
    own_redis_server.start()
    async with asyncio.timeout(30):
        while await statuses(service, key) != [200]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_a_worker_that_asks_redis_tells_those_with_a_copy(
    workers: StartWorkers, leased: StartLeased
) -> None:
    # As while the setting is being changed, one worker after the other.
    copies = await leased(1)
    shared = ("database_url", "redis_url", "redis_key_prefix")
    settings = {name: getattr(copies.settings, name) for name in shared}
    strict = await workers(1, revocation_check="strict", **settings)
    owner = await Owner.on(strict)
    key = await owner.make()
    assert await statuses(copies, key) == [200]
    assert (await owner.revoke(key)).status_code == 204
    assert await statuses(copies, key) == [401]


async def test_a_look_up_that_a_revocation_elsewhere_overtakes_lets_nobody_in(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_terms(monkeypatch)
    async with two_workers(kit, monkeypatch, revocation_check="replica") as (here, elsewhere):
        owner = await Owner.on(elsewhere)
        key = await owner.make()
        cache, read, go_on = here.auth.api_keys._cache, asyncio.Event(), asyncio.Event()
        look_up = cache._look_up

        async def slow(presented: PresentedKey) -> Verdict:
            verdict = await look_up(presented)
            read.set()
            await go_on.wait()
            return verdict

        monkeypatch.setattr(cache, "_look_up", slow)
        before = asyncio.create_task(use(here.client, key))
        await read.wait()
        assert (await owner.revoke(key)).status_code == 204
        after = asyncio.create_task(use(here.client, key))  # joins the look-up of the one before
        await asyncio.sleep(0.1)
        go_on.set()
        assert (await before, await after) == (401, 401)


async def test_keys_and_model_agree_about_every_loss_at_once(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten_terms(monkeypatch)
    everybody = range(WORKERS)
    await drive(kit, monkeypatch, 6, 25, everybody, revocation_check="replica")
