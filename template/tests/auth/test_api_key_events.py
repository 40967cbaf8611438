# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What is done with keys, and tried with them, stands in the log and the numbers by public id."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from app.auth.api_key_format import checksum
from app.core.logging import configure_logging, security_event
from tests.auth.support.api_keys import Key, Owner, probed, unknown_key, use
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service

Capture = pytest.CaptureFixture[str]


@pytest.fixture
async def probe(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service with the probe."""
    async with probed(kit, monkeypatch) as service:
        configure_logging("WARNING")
        yield service


@pytest.fixture
async def owner(probe: Service) -> Owner:
    """Somebody who is logged in."""
    return await Owner.on(probe)


def events(capsys: Capture, *keys: Key) -> list[dict[str, Any]]:
    """Return the security events so far; no part of a secret is in anything that was written."""
    written = capsys.readouterr()
    for key in keys:
        assert key.text.split("_")[3][:20] not in written.out + written.err
    lines = [json.loads(line) for line in written.out.splitlines()]
    return [line for line in lines if line["logger"] == "app.security"]


def number(name: str, **labels: str) -> float:
    """Return a counter."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_making_rotating_and_revoking_are_logged_with_the_public_id(
    probe: Service, owner: Owner, capsys: Capture
) -> None:
    capsys.readouterr()
    before = {event: number("auth_api_keys_total", event=event) for event in ("made", "rotated")}
    key = await owner.make(label="canary-label")
    new = await owner.rotate(key)
    await owner.revoke(new)
    found = events(capsys, key, new)
    assert [(event["event"], event["key_id"]) for event in found] == [
        ("api_key_made", key.id),
        ("api_key_rotated", key.id),
        ("api_key_revoked", new.id),
    ]
    assert found[1]["successor"] == new.id
    assert found[2]["reason"] == "revoked_by_owner"
    assert {event["account_id"] for event in found} == {str(owner.user.id)}
    assert "canary-label" not in json.dumps(found)
    for event, value in before.items():
        assert number("auth_api_keys_total", event=event) == value + 1


async def test_every_refusal_is_logged_with_its_reason(
    probe: Service, owner: Owner, capsys: Capture
) -> None:
    revoked, living, expired = (
        await owner.make(),
        await owner.make(),
        await owner.make(expires_in_days=1),
    )
    await owner.revoke(revoked)
    probe.clock.advance(days=1)
    swapped = living.text[:-50] + living.text[-50:-6].swapcase()
    keys = {
        "expired": expired,
        "revoked": revoked,
        "unknown": unknown_key(),
        "wrong_secret": Key(living.id, swapped + checksum(swapped)),
    }
    capsys.readouterr()
    for reason, key in keys.items():
        labels = {"reason": f"api_key_{reason}"}
        before = number("auth_rejected_tokens_total", **labels)
        for _ in range(2):  # from the database, then from memory
            assert await use(probe.client, key) == 401
        found = events(capsys, key)
        assert [(event["event"], event["reason"]) for event in found] == [
            ("api_key_refused", reason)
        ] * 2
        assert {event["key_id"] for event in found} == {key.id}
        assert number("auth_rejected_tokens_total", **labels) == before + 2
    assert await use(probe.client, Key("", living.text + "x")) == 401
    (found_one,) = events(capsys, living)
    assert found_one["reason"] == "malformed"


async def test_an_expiry_while_the_key_is_remembered_is_logged_too(
    probe: Service, owner: Owner, capsys: Capture
) -> None:
    key = await owner.make(expires_in_days=1)
    probe.clock.advance(days=1, seconds=-5)
    assert await use(probe.client, key) == 200
    probe.clock.advance(seconds=5)
    capsys.readouterr()
    assert await use(probe.client, key) == 401
    (event,) = events(capsys, key)
    assert (event["reason"], event["key_id"]) == ("expired", key.id)
    assert event["account_id"] == str(owner.user.id)


async def test_a_scope_or_a_kind_that_was_denied_is_logged_with_the_key(
    probe: Service, owner: Owner, capsys: Capture
) -> None:
    key = await owner.make("probe:read")
    capsys.readouterr()
    assert await use(probe.client, key, "/probe/write") == 403
    assert await use(probe.client, key, "/probe/people") == 403
    scope, kind = events(capsys, key)
    assert (scope["event"], scope["missing"]) == ("scope_denied", ["probe:write"])
    assert (kind["event"], kind["kind"]) == ("credential_kind_refused", "user_key")
    assert scope["key_id"] == kind["key_id"] == key.id


async def test_a_key_in_any_other_text_is_blanked(probe: Service, capsys: Capture) -> None:
    key = unknown_key()
    security_event("canary", note=f"before {key.text} after")
    (event,) = events(capsys, key)
    assert event["note"] == "before [redacted] after"
