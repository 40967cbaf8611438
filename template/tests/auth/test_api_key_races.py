# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What happens to keys at once, or together with their account, on either database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.auth import administration, api_key_service
from app.auth.api_key_service import MAX_KEYS, Creator
from app.auth.cleanup import delete_old_rows
from app.core.errors import InvalidToken
from tests.auth.support.answers import problem
from tests.auth.support.api_keys import Key, Owner, probed, use
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service

OTHER_PASSWORD = "marzipan-Quarry-17-violet"

pytestmark = pytest.mark.both_databases


@pytest.fixture
async def probe(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service with the probe."""
    async with probed(kit, monkeypatch) as service:
        yield service


@pytest.fixture
async def owner(probe: Service) -> Owner:
    """Somebody who is logged in."""
    return await Owner.on(probe)


async def test_of_many_rotations_at_once_one_succeeds(probe: Service, owner: Owner) -> None:
    old = await owner.make()
    answers = await asyncio.gather(*(owner.try_rotate(old) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert len(await owner.list()) == 2
    rows = await probe.sql("SELECT id FROM api_key WHERE rotated_from = :id", id=old.id)
    assert len(rows) == 1


async def test_an_account_has_a_bounded_number_of_keys(probe: Service, owner: Owner) -> None:
    keys: list[Key] = []
    for _ in range(MAX_KEYS):
        if len(keys) % 20 == 0:
            probe.clock.advance(minutes=61)
            await owner.log_in_again()
        keys.append(await owner.make())
    answers = await asyncio.gather(*(owner.try_make() for _ in range(3)))
    assert {problem(answer) for answer in answers} == {(409, "too_many_api_keys")}
    # Rotating at the bound goes on: the old key and its successor count once.
    await owner.rotate(keys[0])
    await owner.revoke(keys[1])
    answers = await asyncio.gather(*(owner.try_make() for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_a_reset_of_the_password_ends_every_key(probe: Service, owner: Owner) -> None:
    key, other = await owner.make(), await Owner.on(probe)
    others = await other.make()
    assert await use(probe.client, key) == 200
    await probe.client.post("/auth/password/forgot", json={"email": owner.user.email})
    secret = await probe.mailed_secret(owner.user.email)
    body = {"token": secret, "password": OTHER_PASSWORD}
    assert (await probe.client.post("/auth/password/reset", json=body)).status_code == 204
    assert await use(probe.client, key) == 401
    assert await use(probe.client, others) == 200


async def test_a_deleted_account_leaves_no_key(probe: Service, owner: Owner) -> None:
    key = await owner.make()
    assert await use(probe.client, key) == 200
    response = await probe.client.delete("/auth/me", headers=owner.tokens.bearer)
    assert response.status_code == 204
    assert await use(probe.client, key) == 401
    assert await probe.sql("SELECT id FROM api_key WHERE id = :id", id=key.id) == []


async def test_a_key_is_not_made_for_an_owner_who_was_changed_meanwhile(
    probe: Service, owner: Owner
) -> None:
    # The token was checked, then the account changed: the insert looks again.
    creator = Creator(owner.user.id, 0, ["probe:read"])
    await probe.sql("UPDATE account SET token_version = 1 WHERE email = :e", e=owner.user.email)
    with pytest.raises(InvalidToken):
        await api_key_service.create(probe.auth, creator, "late", "probe:read", None)
    assert await probe.sql("SELECT id FROM api_key WHERE label = 'late'") == []


async def test_ended_keys_are_forgotten_after_30_days(probe: Service, owner: Owner) -> None:
    old = await owner.make(expires_in_days=1)
    new = await owner.rotate(old)
    await owner.revoke(new)
    kept = await owner.make(expires_in_days=365)
    probe.clock.advance(days=30)
    await delete_old_rows(probe.auth.database, probe.clock.now())
    await owner.log_in_again()
    assert {each["id"] for each in await owner.list()} == {old.id, new.id, kept.id}
    probe.clock.advance(days=1, seconds=1)
    await delete_old_rows(probe.auth.database, probe.clock.now())
    await owner.log_in_again()
    assert [each["id"] for each in await owner.list()] == [kept.id]


async def test_rotating_disabling_and_noting_uses_at_once_waits_for_nobody_in_a_circle(
    probe: Service, owner: Owner
) -> None:
    keys = [await owner.make() for _ in range(4)]

    async def note() -> None:
        for key in keys:
            probe.auth.api_keys.uses.note(key.id, lambda: "203.0.113.1")
        await probe.auth.api_keys.uses.write()

    for _ in range(3):
        probe.clock.advance(seconds=61)
        answers = await asyncio.gather(
            note(),
            owner.try_rotate(keys[0]),
            administration.disable(probe.auth, owner.user.id),
            note(),
            return_exceptions=True,
        )
        assert not [each for each in answers if isinstance(each, BaseException)], answers
    rows = await probe.sql("SELECT id FROM api_key WHERE revoked_at IS NULL")
    assert rows == []
