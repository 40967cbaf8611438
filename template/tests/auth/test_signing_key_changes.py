# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A signing key is rotated under load without one 401, and revoked in every worker within 30 s."""

from asyncio import Semaphore
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from app.auth.derived_keys import DerivedKeys
from app.auth.key_store import KeyStore
from app.auth.wiring import signing_algorithm
from app.core.database import Database
from app.settings import Settings
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.clock import START
from tests.auth.support.credentials import Tokens
from tests.auth.support.plugin import StartWorkers
from tests.auth.support.settings import build_settings, settings_values
from tests.auth.support.workers import Workers

pytestmark = pytest.mark.slow

PUBLISHED_HOURS = 24
REVOKED_WITHIN = 30.0  # seconds
USERS = 6


@asynccontextmanager
async def key_store(settings: Settings) -> AsyncGenerator[KeyStore]:
    """Open the signing keys from outside, as the command line does."""
    database = Database(settings.database_url)
    keys = DerivedKeys(settings.master_secrets)
    yield KeyStore(database, keys, signing_algorithm, settings.access_lifetime)
    await database.dispose()


class Load:
    """Users who never pause: each asks at worker after worker, and refreshes when it is time."""

    def __init__(self, running: Workers) -> None:
        self.running = running
        self.kids: set[str] = set()
        self.stopped = False
        self._asked = Semaphore(0)

    async def use(self, tokens: Tokens) -> None:
        """Be one user until told to stop; every answer must be good."""
        renew_at = self.running.clock.now().timestamp() + 600
        while not self.stopped:
            self.kids.add(tokens.header["kid"])
            response = await self.running.client.get("/auth/sessions", headers=tokens.bearer)
            assert response.status_code == 200, response.text
            self._asked.release()
            if self.running.clock.now().timestamp() > renew_at:
                tokens = await self.running.refresh(tokens)
                renew_at = self.running.clock.now().timestamp() + 600

    async def go_on(self) -> None:
        """Wait until every user has got two answers more, on average."""
        while not self._asked.locked():
            await self._asked.acquire()
        for _ in range(2 * USERS):
            await self._asked.acquire()


async def test_a_rotation_under_load_costs_nobody_a_401(
    workers: StartWorkers, database_url: str
) -> None:
    async with key_store(build_settings(settings_values(database_url))) as store:
        await store.rotate(START)
    running = await workers(3, database_url=database_url)
    running.clock.advance(seconds=PUBLISHED_HOURS * 3600 - 120)
    load = Load(running)
    async with anyio.create_task_group() as group:
        for _ in range(USERS):
            group.start_soon(load.use, await running.login(await running.account()))
        # Across the moment of the change, and until the last token of the old key has expired.
        for _ in range(45):
            running.clock.advance(seconds=30)
            await load.go_on()
        load.stopped = True
    assert len(load.kids) == 2, "the load must have seen the old key and the new one"


async def test_a_revoked_key_is_gone_in_every_worker_and_one_refresh_recovers(
    workers: StartWorkers,
) -> None:
    running = await workers(3)
    user = await running.account()
    old = await running.login(user)
    for client in running.clients:
        response = await client.get("/auth/sessions", headers=old.bearer)
        assert response.status_code == 200
    async with key_store(running.settings) as store:
        assert await store.revoke(old.header["kid"], running.clock.now())
    with anyio.fail_after(REVOKED_WITHIN):
        for client in running.clients:
            response = await client.get("/auth/sessions", headers=old.bearer)
            while response.status_code == 200:
                await anyio.sleep(0.2)
                response = await client.get("/auth/sessions", headers=old.bearer)
            assert problem(response) == INVALID_TOKEN
    new = await running.refresh(old)
    assert new.header["kid"] != old.header["kid"]
    for client in running.clients:
        assert (await client.get("/auth/sessions", headers=new.bearer)).status_code == 200
        assert problem(await client.get("/auth/sessions", headers=old.bearer)) == INVALID_TOKEN
