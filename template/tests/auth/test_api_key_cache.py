# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One look-up serves a key for 30 seconds, whatever comes at once, and unknown keys buy nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from app.auth import administration, api_key_cache
from app.auth.api_key_cache import (
    MAX_LOOKUPS_AT_ONCE,
    UNKNOWN_BURST,
    UNKNOWN_PER_SECOND,
    KeyCache,
    Refusal,
    Verdict,
)
from app.auth.api_key_format import PresentedKey, read_key
from app.core.errors import ServiceUnavailable, TooManyRequests
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.api_keys import Key, Owner, Statements, probed, unknown_key, use
from tests.auth.support.clock import MovableClock
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service

TOO_MANY = (429, "too_many_requests")
UNAVAILABLE = (503, "temporarily_unavailable")


@pytest.fixture
async def probe(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service with the probe."""
    async with probed(kit, monkeypatch) as service:
        yield service


@pytest.fixture
async def owner(probe: Service) -> Owner:
    """Somebody who is logged in."""
    return await Owner.on(probe)


@pytest.fixture
def statements(probe: Service) -> Iterator[Statements]:
    """Counts what the service asks its database about keys."""
    with Statements(probe.app.state.database) as counted:
        yield counted


async def test_a_thousand_first_uses_at_once_make_one_look_up(
    probe: Service, owner: Owner, statements: Statements
) -> None:
    key = await owner.make()
    before = statements.count
    answers = await asyncio.gather(*(use(probe.client, key) for _ in range(1000)))
    assert answers == [200] * 1000
    assert statements.count - before == 1


async def test_a_key_in_use_is_looked_up_once_in_30_seconds(
    probe: Service, owner: Owner, statements: Statements
) -> None:
    key = await owner.make()
    before = statements.count
    for _ in range(60):
        assert await use(probe.client, key) == 200
        probe.clock.advance(seconds=1)
    assert statements.count - before == 2


async def test_a_refused_key_is_looked_up_once_in_5_seconds(
    probe: Service, statements: Statements
) -> None:
    key = unknown_key()
    for _ in range(16):
        assert await use(probe.client, key) == 401
        probe.clock.advance(seconds=1)
    assert statements.count == 4


async def test_what_others_change_is_noticed_after_30_seconds_and_not_later(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make()
    assert await use(probe.client, key) == 200
    # As another worker or the command line does it: this one is not told.
    await probe.sql("UPDATE api_key SET revoked_at = created_at WHERE id = :id", id=key.id)
    probe.clock.advance(seconds=29)
    assert await use(probe.client, key) == 200
    probe.clock.advance(seconds=1)
    assert await use(probe.client, key) == 401


async def test_the_30_seconds_count_from_before_the_look_up(
    probe: Service, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A database that takes its time must not lengthen how old an answer may be.
    key = await owner.make()
    look_up = probe.auth.api_keys._cache._look_up

    async def slow(presented: PresentedKey) -> Verdict:
        verdict = await look_up(presented)
        probe.clock.advance(seconds=20)
        return verdict

    monkeypatch.setattr(probe.auth.api_keys._cache, "_look_up", slow)
    assert await use(probe.client, key) == 200
    await probe.sql("UPDATE api_key SET revoked_at = created_at WHERE id = :id", id=key.id)
    probe.clock.advance(seconds=9)
    assert await use(probe.client, key) == 200
    probe.clock.advance(seconds=1)
    assert await use(probe.client, key) == 401


async def test_a_clock_that_was_set_back_does_not_lengthen_what_is_believed(
    probe: Service, owner: Owner, statements: Statements
) -> None:
    key = await owner.make()
    await use(probe.client, key)
    before = statements.count
    probe.clock._now -= timedelta(seconds=1)
    assert await use(probe.client, key) == 200
    assert statements.count - before == 1


async def test_the_expiry_of_a_remembered_key_holds_to_the_second(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make(expires_in_days=1)
    probe.clock.advance(days=1, seconds=-2)
    assert await use(probe.client, key) == 200
    probe.clock.advance(seconds=1)
    assert await use(probe.client, key) == 200
    probe.clock.advance(seconds=1)
    assert await use(probe.client, key) == 401


async def test_a_look_up_that_a_revocation_overtakes_is_not_remembered(
    probe: Service, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await owner.make()
    cache = probe.auth.api_keys._cache
    look_up, read, go_on = cache._look_up, asyncio.Event(), asyncio.Event()

    async def paused(presented: PresentedKey) -> Verdict:
        verdict = await look_up(presented)
        read.set()
        await go_on.wait()
        return verdict

    monkeypatch.setattr(cache, "_look_up", paused)
    early = asyncio.create_task(use(probe.client, key))
    await read.wait()
    monkeypatch.setattr(cache, "_look_up", look_up)
    assert (await owner.revoke(key)).status_code == 204
    # Whoever comes after the 204 does not join the look-up that read the key as good.
    async with asyncio.timeout(5):
        assert await use(probe.client, key) == 401
    go_on.set()
    assert await early == 200  # it was there before the revocation
    assert await use(probe.client, key) == 401


async def test_a_client_that_hangs_up_takes_nobody_else_down(
    probe: Service, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await owner.make()
    cache = probe.auth.api_keys._cache
    look_up, asked, go_on = cache._look_up, asyncio.Event(), asyncio.Event()

    async def paused(presented: PresentedKey) -> Verdict:
        asked.set()
        await go_on.wait()
        return await look_up(presented)

    monkeypatch.setattr(cache, "_look_up", paused)
    first = asyncio.create_task(use(probe.client, key))
    await asked.wait()
    others = [asyncio.create_task(use(probe.client, key)) for _ in range(3)]
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    assert await asyncio.gather(*others) == [200] * 3


async def test_remembered_keys_outlive_a_database_that_is_down_for_their_30_seconds(
    probe: Service, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, unseen = await owner.make(), await owner.make()
    assert await use(probe.client, known) == 200

    def down() -> None:
        raise ServiceUnavailable

    monkeypatch.setattr(probe.auth.database, "read", down)
    probe.clock.advance(seconds=29)
    assert await use(probe.client, known) == 200
    for key in (unseen, unknown_key()):  # not 401: whether it is good is not known
        assert problem(await probe.client.get("/probe", headers=key.header)) == UNAVAILABLE
    probe.clock.advance(seconds=1)
    assert problem(await probe.client.get("/probe", headers=known.header)) == UNAVAILABLE
    monkeypatch.undo()
    # A failure is not remembered.
    assert [await use(probe.client, key) for key in (known, unseen)] == [200, 200]


async def test_random_keys_share_one_allowance_and_known_keys_are_served_on(
    probe: Service, owner: Owner, statements: Statements
) -> None:
    known = await owner.make()
    assert await use(probe.client, known) == 200
    before = statements.count
    answers = [
        problem(await probe.client.get("/probe", headers=unknown_key().header))
        for _ in range(UNKNOWN_BURST + 100)
    ]
    assert answers == [INVALID_TOKEN] * UNKNOWN_BURST + [TOO_MANY] * 100
    assert statements.count - before == UNKNOWN_BURST
    assert await use(probe.client, known) == 200
    response = await probe.client.get("/probe", headers=unknown_key().header)
    assert response.headers["retry-after"] == "1"


async def test_a_key_that_was_good_here_is_looked_up_again_during_a_flood(
    probe: Service, owner: Owner
) -> None:
    known = await owner.make()
    assert await use(probe.client, known) == 200
    probe.clock.advance(seconds=31)
    for _ in range(UNKNOWN_BURST + 1):
        last = await probe.client.get("/probe", headers=unknown_key().header)
    assert problem(last) == TOO_MANY
    assert await use(probe.client, known) == 200


async def test_a_flood_from_many_at_once_makes_no_more_look_ups(
    probe: Service, statements: Statements
) -> None:
    keys = [unknown_key() for _ in range(UNKNOWN_BURST * 4)]
    answers = await asyncio.gather(*(use(probe.client, key) for key in keys))
    assert statements.count <= UNKNOWN_BURST + MAX_LOOKUPS_AT_ONCE
    assert answers.count(401) == statements.count
    assert answers.count(429) == len(keys) - statements.count


async def test_the_allowance_fills_again_at_a_steady_pace(
    probe: Service, statements: Statements
) -> None:
    async def flood() -> int:
        before = statements.count
        for _ in range(UNKNOWN_BURST + 5):
            await use(probe.client, unknown_key())
        return statements.count - before

    assert await flood() == UNKNOWN_BURST
    probe.clock.advance(seconds=1)
    assert await flood() == UNKNOWN_PER_SECOND
    probe.clock.advance(minutes=10)
    assert await flood() == UNKNOWN_BURST


async def test_an_agent_with_a_dead_key_uses_up_nobodys_allowance(
    probe: Service, owner: Owner, statements: Statements
) -> None:
    dead = await owner.make()
    await owner.revoke(dead)
    for _ in range(UNKNOWN_BURST + 10):
        assert await use(probe.client, dead) == 401
        probe.auth.api_keys._cache._refused.clear()
    assert await use(probe.client, await owner.make()) == 200


async def test_memory_is_bounded_and_refusals_push_out_no_good_key(
    probe: Service, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_key_cache, "MAX_GOOD", 3)
    monkeypatch.setattr(api_key_cache, "MAX_REFUSED", 5)
    keys = [await owner.make() for _ in range(5)]
    for key in keys:
        assert await use(probe.client, key) == 200
    cache = probe.auth.api_keys._cache
    for _ in range(20):
        await use(probe.client, unknown_key())
    digests = [parts.digest for key in keys if (parts := read_key(key.text))]
    assert list(cache._good) == digests[2:]
    assert len(cache._refused) == 5
    assert cache._flights == {}


async def test_look_ups_leave_connections_for_requests() -> None:
    # A wave of cold keys after a deployment must not take the whole pool.
    running, most, gate = 0, 0, asyncio.Event()

    async def look_up(key: PresentedKey) -> Verdict:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1
        return Refusal("revoked", None)

    cache = KeyCache(look_up, MovableClock())
    keys = [parts for _ in range(50) if (parts := read_key(unknown_key().text))]
    waiting = [asyncio.create_task(cache.verdict(key)) for key in keys]
    await asyncio.sleep(0.01)
    gate.set()
    await asyncio.gather(*waiting)
    assert most == MAX_LOOKUPS_AT_ONCE


async def test_look_ups_that_wait_are_bounded_and_one_that_is_given_up_is_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_key_cache, "MAX_WAITING", 3)

    async def look_up(key: PresentedKey) -> Verdict:
        await asyncio.Event().wait()
        raise AssertionError(key)

    cache = KeyCache(look_up, MovableClock())
    keys = [parts for _ in range(4) if (parts := read_key(unknown_key().text))]
    waiting = [asyncio.create_task(cache.verdict(key)) for key in keys[:3]]
    await asyncio.sleep(0.01)
    with pytest.raises(TooManyRequests):
        await cache.verdict(keys[3])
    # As at the end of a process.
    for flight in list(cache._flights.values()):
        flight.cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(answer) for answer in answers} == {asyncio.CancelledError}
    assert cache._flights == {}


async def test_disabling_and_taking_a_scope_away_are_noticed_here_at_once(
    probe: Service, owner: Owner
) -> None:
    key, account = await owner.make(), owner.user
    assert await use(probe.client, key, "/probe/write") == 200
    row = await administration.find_account(probe.auth, account.email)
    await administration.set_scope(probe.auth, row, "probe:read")
    assert await use(probe.client, key, "/probe/write") == 403
    assert await use(probe.client, key, "/probe/read") == 200
    # Given back, the key has what it was made with; more than that it never gets.
    row = await administration.find_account(probe.auth, account.email)
    await administration.set_scope(probe.auth, row, "probe:read probe:write")
    assert await use(probe.client, key, "/probe/write") == 200
    await administration.disable(probe.auth, account.id)
    assert await use(probe.client, key) == 401
    await administration.enable(probe.auth, account.id)
    probe.clock.advance(seconds=31)  # also when the refusal is no longer remembered
    assert await use(probe.client, key) == 401  # what was issued before stays refused


async def test_more_scopes_for_the_owner_are_none_for_a_key(probe: Service) -> None:
    owner = await Owner.on(probe, "probe:read")
    key: Key = await owner.make("probe:read")
    row = await administration.find_account(probe.auth, owner.user.email)
    await administration.set_scope(probe.auth, row, "probe:read probe:write")
    assert await use(probe.client, key, "/probe/read") == 200
    assert await use(probe.client, key, "/probe/write") == 403


async def test_a_verdict_after_one_that_nobody_remembers_is_looked_up() -> None:
    found = Refusal("revoked", None)

    async def look_up(_: PresentedKey) -> Verdict:
        return found

    cache, key = KeyCache(look_up, MovableClock()), read_key(unknown_key().text)
    assert key is not None
    assert await cache.verdict_after(Refusal("expired", None), key) is found
