# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""When and from where a key was last used is known to the minute, and no request waits for it."""

from collections.abc import AsyncIterator

import pytest

from app.auth import api_key_uses
from app.auth.api_key_uses import KeyUses
from app.core.errors import ServiceUnavailable
from tests.auth.support.api_keys import Key, Owner, probed, use
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service


@pytest.fixture
async def probe(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service with the probe."""
    async with probed(kit, monkeypatch) as service:
        yield service


@pytest.fixture
async def owner(probe: Service) -> Owner:
    """Somebody who is logged in."""
    return await Owner.on(probe)


async def last_use(owner: Owner, key: Key) -> tuple[str | None, str | None]:
    """Return what the owner is told about the last use of a key."""
    await owner.log_in_again()
    (found,) = [each for each in await owner.list() if each["id"] == key.id]
    return found["last_used_at"], found["last_used_ip"]


@pytest.mark.both_databases
async def test_a_use_is_written_with_its_time_and_address(probe: Service, owner: Owner) -> None:
    key, unused = await owner.make(), await owner.make()
    assert await last_use(owner, key) == (None, None)
    assert await use(probe.new_client("203.0.113.9"), key) == 200
    at = probe.clock.now().isoformat().replace("+00:00", "Z")
    probe.clock.advance(seconds=10)
    await probe.auth.api_keys.uses.write()
    assert await last_use(owner, key) == (at, "203.0.113.9")
    assert await last_use(owner, unused) == (None, None)


@pytest.mark.both_databases
async def test_it_is_written_at_most_once_a_minute_by_all_workers_together(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make()
    workers = [KeyUses(probe.auth.database, probe.clock) for _ in range(3)]
    seen = set()
    for second in range(0, 121, 10):
        for number, worker in enumerate(workers):
            worker.note(key.id, lambda n=number: f"192.0.2.{n}")  # type: ignore[misc]
            await worker.write()
        seen.add((second // 60, (await last_use(owner, key))[0]))
        probe.clock.advance(seconds=10)
    # One time in each minute: two begun ones and the second 120.
    assert len(seen) == len({at for _, at in seen}) == 3


async def test_a_refused_use_is_none(probe: Service, owner: Owner) -> None:
    key = await owner.make()
    await owner.revoke(key)
    assert await use(probe.client, key) == 401
    await probe.auth.api_keys.uses.write()
    assert await last_use(owner, key) == (None, None)


async def test_a_database_that_is_down_delays_the_writing_and_no_request(
    probe: Service, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await owner.make()

    def down() -> None:
        raise ServiceUnavailable

    assert await use(probe.client, key) == 200
    with monkeypatch.context() as patch:
        patch.setattr(probe.auth.database, "transaction", down)
        with pytest.raises(ServiceUnavailable):
            await probe.auth.api_keys.uses.write()
        assert await use(probe.client, key) == 200
    await probe.auth.api_keys.uses.write()
    assert (await last_use(owner, key))[0] is not None


async def test_what_is_kept_until_it_is_written_is_bounded(
    probe: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_key_uses, "MAX_NOTED", 10)
    uses = KeyUses(probe.auth.database, probe.clock)
    for number in range(100):
        uses.note(f"{number:012}", lambda: "192.0.2.1")
    assert len(uses._noted) == len(uses._unwritten) == 10
    await uses.write()
    assert uses._unwritten == {}
