# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Several workers: what becomes of a key is noticed by each within its bound, and never later.

Nobody tells the other workers, so 30 seconds is the bound; what the key itself says (its expiry)
holds to the second, and the worker that did it knows at once.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from app import scopes
from app.auth import administration, api_key_administration, service_principals
from app.auth.runtime import Auth
from app.auth.wiring import open_auth
from app.core.database import Database
from tests.auth.support import probe
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.api_keys import Key, Owner, service_key, use
from tests.auth.support.kit import Kit
from tests.auth.support.workers import Workers, running_workers


@pytest.fixture(scope="module", autouse=True)
def _declared_scopes() -> Iterator[None]:
    """Declare the probe's scopes for what runs in this process, as in the workers."""
    with pytest.MonkeyPatch.context() as patch:
        for name, meaning in probe.SCOPES.items():
            patch.setitem(scopes.SCOPES, name, meaning)
        yield


@pytest.fixture(scope="module")
async def service(
    sqlite_kit: Kit, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workers]:
    """Three workers, the same for all tests here: each test has an owner and keys of its own."""
    values = await sqlite_kit.settings_values()
    async with running_workers(values, 3, tmp_path_factory.mktemp("workers")) as workers:
        yield workers


@pytest.fixture
async def command_line(service: Workers) -> AsyncIterator[Auth]:
    """What a command holds: another process' view, which tells no worker anything."""
    database = Database(service.settings.database_url, pool_size=1)
    async with open_auth(service.settings, database, service.clock) as auth:
        yield auth
    await database.dispose()


async def statuses(service: Workers, key: Key, path: str = "/probe") -> list[int]:
    """Return what each worker answers to a key."""
    return [await use(client, key, path) for client in service.clients]


async def test_every_end_of_a_key_is_noticed_by_every_worker_within_30_seconds(
    service: Workers, command_line: Auth
) -> None:
    owner, disabled, deleted = [await Owner.on(service) for _ in range(3)]
    revoked, by_line = await owner.make(), await owner.make()
    of_disabled, of_deleted = await disabled.make(), await deleted.make()
    name, machine = await service_key(command_line)
    keys = [revoked, by_line, of_disabled, of_deleted, machine]
    for key in keys:
        assert await statuses(service, key) == [200] * 3

    await service.clients[0].delete(f"/auth/api-keys/{revoked.id}", headers=owner.tokens.bearer)
    await api_key_administration.revoke_key(command_line, by_line.id)
    await administration.disable(command_line, disabled.user.id)
    await service.clients[1].delete("/auth/me", headers=deleted.tokens.bearer)
    account = await service_principals.find(command_line, name)
    await administration.disable(command_line, account.id)

    # The worker that did it knows at once, the others within the bound.
    assert await use(service.clients[0], revoked) == 401
    assert await use(service.clients[1], of_deleted) == 401
    service.clock.advance(seconds=29)
    assert (await statuses(service, by_line)) == [200] * 3
    service.clock.advance(seconds=1)
    for key in keys:
        for client in service.clients:
            response = await client.get("/probe", headers=key.header)
            assert problem(response) == INVALID_TOKEN


@pytest.mark.slow
async def test_a_scope_that_was_taken_away_is_gone_in_every_worker_within_30_seconds(
    service: Workers, command_line: Auth
) -> None:
    owner = await Owner.on(service)
    key = await owner.make()
    assert await statuses(service, key, "/probe/write") == [200] * 3
    account = await administration.find_account(command_line, owner.user.email)
    await administration.set_scope(command_line, account, "probe:read")
    service.clock.advance(seconds=29)
    assert await statuses(service, key, "/probe/write") == [200] * 3
    service.clock.advance(seconds=1)
    assert await statuses(service, key, "/probe/write") == [403] * 3
    assert await statuses(service, key, "/probe/read") == [200] * 3


@pytest.mark.slow
async def test_an_expiry_holds_to_the_second_in_every_worker(service: Workers) -> None:
    key = await (await Owner.on(service)).make(expires_in_days=1)
    service.clock.advance(seconds=86_399)
    assert await statuses(service, key) == [200] * 3
    service.clock.advance(seconds=1)
    assert await statuses(service, key) == [401] * 3


@pytest.mark.slow
async def test_a_rotated_key_and_its_successor_work_in_every_worker_for_a_day(
    service: Workers, command_line: Auth
) -> None:
    owner = await Owner.on(service)
    old = await owner.make()
    assert await statuses(service, old) == [200] * 3
    made = await api_key_administration.rotate_key(command_line, old.id)
    new = Key(made.row.id, made.text)
    assert await statuses(service, old) == await statuses(service, new) == [200] * 3
    service.clock.advance(seconds=86_400 - 1)
    assert await statuses(service, old) == [200] * 3
    service.clock.advance(seconds=1)
    assert await statuses(service, old) == [401] * 3
    assert await statuses(service, new) == [200] * 3


@pytest.mark.slow
async def test_a_key_works_in_every_worker_the_moment_it_was_made(service: Workers) -> None:
    owner = await Owner.on(service)
    for _ in range(3):
        assert await statuses(service, await owner.make()) == [200] * 3
