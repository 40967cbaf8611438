# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the owner of keys can do: make, list, rotate, revoke; and what nobody can."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from tests.auth.support.answers import INVALID_TOKEN, UNAUTHENTICATED, problem
from tests.auth.support.api_keys import Key, Owner, key_of, probed, use
from tests.auth.support.credentials import PASSWORD
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service

INVALID_SCOPE = (400, "invalid_scope")
NOT_RECENT = (401, "insufficient_user_authentication")
OTHER_PASSWORD = "marzipan-Quarry-17-violet"


@pytest.fixture(scope="module")
async def probe(sqlite_kit: Kit) -> AsyncIterator[Service]:
    """A service with the probe."""
    with pytest.MonkeyPatch.context() as patch:
        async with probed(sqlite_kit, patch) as service:
            yield service


@pytest.fixture
async def owner(probe: Service) -> Owner:
    """Somebody who is logged in."""
    return await Owner.on(probe)


def age(start: str, end: str) -> timedelta:
    """Return the time between two times of an answer."""
    return datetime.fromisoformat(end) - datetime.fromisoformat(start)


async def test_a_key_is_shown_once_and_stored_nowhere(probe: Service, owner: Owner) -> None:
    response = await owner.try_make(label="  the nightly report  ", expires_in_days=7)
    assert response.headers["cache-control"] == "no-store"
    body, key = response.json(), key_of(response)
    assert key.text.startswith(f"gate_user_{key.id}_")
    assert body.keys() - {"api_key"} == (await owner.list())[0].keys()
    assert (body["label"], body["state"], body["scope"]) == (
        "the nightly report",
        "living",
        "probe:read probe:write",
    )
    assert age(body["created_at"], body["expires_at"]) == timedelta(days=7)
    assert key.text not in str(await owner.list())
    secret = key.text.split("_")[3]
    for table in ("api_key", "outbox_message", "account"):
        assert secret not in str(await probe.sql(f"SELECT * FROM {table}"))  # noqa: S608 - a constant


async def test_a_key_lives_90_days_unless_its_maker_says_otherwise(
    probe: Service, owner: Owner
) -> None:
    body = (await owner.try_make()).json()
    assert age(body["created_at"], body["expires_at"]) == timedelta(days=90)
    key = Key(body["id"], body["api_key"])
    probe.clock.advance(days=90, seconds=-1)
    assert await use(probe.client, key) == 200
    probe.clock.advance(seconds=1)
    assert problem(await probe.client.get("/probe", headers=key.header)) == INVALID_TOKEN


async def test_a_life_without_end_or_beyond_the_limit_is_refused(owner: Owner) -> None:
    for days in (0, -1, 366, 10**6, 10**40, "7 days", 1.5):
        response = await owner.try_make(expires_in_days=days)
        assert problem(response) == (422, "invalid_content")
        assert response.json()["errors"][0]["loc"] == ["body", "expires_in_days"]
    await owner.make(expires_in_days=365)


async def test_a_label_is_one_line_of_printable_text(owner: Owner) -> None:
    for label in ("", "   ", "a\nb", "a\x00b", "a\x1b[31mb", "x" * 101, 7, None, "a\u2028b"):
        assert problem(await owner.try_make(label=label)) == (422, "invalid_content")


async def test_nobody_can_choose_id_owner_or_secret(owner: Owner) -> None:
    for name in ("id", "account_id", "kind", "key_hash", "api_key", "expires_at"):
        assert problem(await owner.try_make(**{name: "0" * 12})) == (422, "invalid_content")


async def test_a_key_needs_a_login(probe: Service) -> None:
    body = {"label": "x", "scope": ""}
    assert problem(await probe.client.post("/auth/api-keys", json=body)) == UNAUTHENTICATED


async def test_an_old_login_makes_no_key_but_lists_and_revokes(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make()
    probe.clock.advance(seconds=600)
    await owner.make()
    probe.clock.advance(seconds=1)
    # Renewing a token is not logging in: whoever stole a session cannot make a key of it.
    owner.tokens = await probe.refresh(owner.tokens)
    assert problem(await owner.try_make()) == NOT_RECENT
    assert problem(await owner.try_rotate(key)) == NOT_RECENT
    assert len(await owner.list()) == 2
    assert (await owner.revoke(key)).status_code == 204


async def test_a_key_holds_at_most_what_its_maker_holds(probe: Service, owner: Owner) -> None:
    for more in ("probe:admin", "probe:read probe:admin", "PROBE:READ", "*", "probe:read,x"):
        assert problem(await owner.try_make(more)) == INVALID_SCOPE
    # Not what the account holds but what this login asked for.
    owner.tokens = await probe.login(owner.user, scope="probe:read")
    assert problem(await owner.try_make("probe:write")) == INVALID_SCOPE
    key = await owner.make("probe:read probe:read")
    assert (await owner.list())[0]["scope"] == "probe:read"
    assert await use(probe.client, key, "/probe/write") == 403
    assert await owner.list() != []


async def test_a_key_without_scopes_opens_only_what_asks_for_none(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make("")
    assert await use(probe.client, key) == 200
    assert await use(probe.client, key, "/probe/read") == 403


async def test_a_rotation_gives_a_successor_and_a_day_of_overlap(
    probe: Service, owner: Owner
) -> None:
    old = await owner.make("probe:read", expires_in_days=30)
    probe.clock.advance(days=10)
    await owner.log_in_again()
    new = await owner.rotate(old)
    listed = {each["id"]: each for each in await owner.list()}
    assert (listed[old.id]["state"], listed[new.id]["state"]) == ("rotated", "living")
    assert listed[new.id]["label"] == listed[old.id]["label"]
    assert listed[new.id]["scope"] == "probe:read"
    # The successor lives as long as the key was made for.
    created = listed[new.id]["created_at"]
    assert age(created, listed[new.id]["expires_at"]) == timedelta(days=30)
    assert age(created, listed[old.id]["expires_at"]) == timedelta(hours=24)
    probe.clock.advance(days=1, seconds=-1)
    assert [await use(probe.client, key) for key in (old, new)] == [200, 200]
    probe.clock.advance(seconds=1)
    assert [await use(probe.client, key) for key in (old, new)] == [401, 200]


async def test_a_rotation_never_lengthens_the_life_of_the_old_key(
    probe: Service, owner: Owner
) -> None:
    old = await owner.make(expires_in_days=1)
    end = (await owner.list())[0]["expires_at"]
    probe.clock.advance(minutes=1)
    await owner.rotate(old)
    assert {each["id"]: each["expires_at"] for each in await owner.list()}[old.id] == end


async def test_a_rotated_key_cannot_be_rotated_again_but_its_successor_can(owner: Owner) -> None:
    # The answer with the new key got lost: rotate what was made.
    old = await owner.make()
    lost = await owner.rotate(old)
    assert problem(await owner.try_rotate(old)) == (409, "api_key_ended")
    found = await owner.rotate(lost)
    assert await use(owner.service.client, found) == 200


async def test_a_rotation_gives_no_more_than_its_caller_may_do(
    probe: Service, owner: Owner
) -> None:
    wide = await owner.make()
    owner.tokens = await probe.login(owner.user, scope="probe:read")
    response = await owner.try_rotate(wide)
    assert problem(response) == (403, "insufficient_scope")
    assert [each["state"] for each in await owner.list()] == ["living"]
    narrow = await owner.make("probe:read")
    await owner.rotate(narrow)


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_dead_key_has_no_successor(probe: Service, owner: Owner, how: str) -> None:
    key = await owner.make(expires_in_days=1)
    if how == "revoked":
        await owner.revoke(key)
    else:
        probe.clock.advance(days=1)
        await owner.log_in_again()
    assert problem(await owner.try_rotate(key)) == (409, "api_key_ended")
    assert [each["state"] for each in await owner.list()] == [how]


async def test_a_revoked_key_is_refused_by_this_worker_at_once(
    probe: Service, owner: Owner
) -> None:
    key, other = await owner.make(), await owner.make()
    assert await use(probe.client, key) == 200
    assert (await owner.revoke(key)).status_code == 204
    assert await use(probe.client, key) == 401
    assert await use(probe.client, other) == 200
    assert (await owner.revoke(key)).status_code == 204
    assert {each["state"] for each in await owner.list()} == {"revoked", "living"}


async def test_the_successor_of_a_revoked_key_lives_on_and_the_other_way_round(
    probe: Service, owner: Owner
) -> None:
    first = await owner.make()
    second = await owner.rotate(first)
    await owner.revoke(second)
    assert [await use(probe.client, key) for key in (first, second)] == [200, 401]


async def test_the_keys_of_others_do_not_exist(probe: Service, owner: Owner) -> None:
    key = await owner.make()
    stranger = await Owner.on(probe)
    assert problem(await stranger.try_rotate(key)) == (404, "not_found")
    assert problem(await stranger.revoke(key)) == (404, "not_found")
    assert await stranger.list() == []
    nobodys = Key("0" * 12, "")
    assert problem(await stranger.revoke(nobodys)) == (404, "not_found")
    assert problem(await stranger.revoke(Key("'; DROP", ""))) == (422, "invalid_content")
    assert await use(probe.client, key) == 200


async def test_making_keys_is_limited_by_the_hour(probe: Service, owner: Owner) -> None:
    for _ in range(19):
        await owner.make()
    key = await owner.make()
    for response in (await owner.try_make(), await owner.try_rotate(key)):
        assert problem(response) == (429, "too_many_requests")
        assert 0 < int(response.headers["retry-after"]) <= 3600
    other = await Owner.on(probe)
    await other.make()


async def test_the_owner_hears_of_every_new_key(probe: Service, owner: Owner) -> None:
    key = await owner.make(label="agent of the night")
    await owner.rotate(key)
    mails = await probe.mails(owner.user.email)
    assert [mail.subject for mail in mails] == ["A new API key for your account"] * 2
    assert "agent of the night" in mails[0].text
    assert "gate_" not in mails[0].text


async def test_a_new_password_and_a_logout_everywhere_leave_keys_alone(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make()
    body = {"current_password": PASSWORD, "password": OTHER_PASSWORD}
    response = await probe.client.post(
        "/auth/password/change", json=body, headers=owner.tokens.bearer
    )
    assert response.status_code == 204
    probe.clock.advance(seconds=31)
    assert await use(probe.client, key) == 200
