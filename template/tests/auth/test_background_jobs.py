# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a worker does beside requests goes on after a failure, and says what is wrong."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.auth import background
from app.auth.key_store import KEY_LIFETIME
from app.core.logging import configure_logging
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

Capture = pytest.CaptureFixture[str]


def named(capsys: Capture, name: str) -> list[dict[str, Any]]:
    """Return the logged lines with this event."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == name]


async def test_a_job_that_fails_is_logged_and_done_again(capsys: Capture) -> None:
    configure_logging("WARNING")
    done: list[int] = []

    async def work() -> None:
        done.append(1)
        if len(done) == 1:
            raise ConnectionError("the address of something")
        stop.set()

    stop = asyncio.Event()
    job = background._Job(background.MAIL_EVERY, work)
    task = asyncio.create_task(background._run(job, stop))
    while len(done) < 2:
        job.wake.set()
        await asyncio.sleep(0.01)
    job.wake.set()
    await asyncio.wait_for(task, 5)
    (event,) = named(capsys, "background_job_failed")
    assert event["error"] == "ConnectionError"
    assert "address" not in json.dumps(event)


async def test_a_job_that_hangs_does_not_hold_up_the_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "STOP_WITHIN", timedelta(seconds=0.05))
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(*_: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    monkeypatch.setattr(background, "delete_old_rows", hang)
    monkeypatch.setattr(background, "CLEANUP_EVERY", timedelta(seconds=0))
    async with asyncio.timeout(10), background.background_work(service.auth):
        await begun.wait()
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_cancellation_that_gets_lost_does_not_hold_up_the_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LEAVE_WITHIN", timedelta(seconds=0.05))
    cancellations: list[int] = []

    async def follow() -> None:
        while len(cancellations) < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations.append(1)

    auth = replace(service.auth, stores=replace(service.auth.stores, follow=follow))
    async with asyncio.timeout(10), background.background_work(auth):
        await asyncio.sleep(0)
    assert len(cancellations) == 2


async def test_a_missed_rotation_is_an_alarm(fresh_service: FreshService, capsys: Capture) -> None:
    service = await fresh_service()
    configure_logging("WARNING")
    # The successor is gone, as when nobody could make one.
    *_, waiting = await service.auth.key_store.list()
    await service.sql("DELETE FROM signing_key WHERE kid = :kid", kid=waiting.kid)
    await service.auth.keyring.reload()
    service.clock.advance(seconds=KEY_LIFETIME.total_seconds() + 1)
    await background.rotate_keys(service.auth)
    assert named(capsys, "signing_key_overdue")


async def test_failing_open_is_said_at_the_start(
    fresh_service: FreshService, capsys: Capture
) -> None:
    await fresh_service()
    assert named(capsys, "revocation_fail_open") == []
    await fresh_service(revocation_fail_open=True)
    assert named(capsys, "revocation_fail_open")


async def test_a_mail_that_no_secret_key_opens_is_dropped_and_said(
    fresh_service: FreshService, capsys: Capture
) -> None:
    service = await fresh_service()
    configure_logging("WARNING")
    service.sent_mails.fails = True
    user = await service.account()
    await service.client.post("/auth/password/forgot", json={"email": user.email})
    await service.sql("UPDATE outbox_message SET sealed = :sealed", sealed=b"sealed by another")
    # The app's own job may hold the mail at this moment, and puts it off once more.
    async with asyncio.timeout(20):
        while await service.sql("SELECT id FROM outbox_message"):
            service.clock.advance(minutes=10)
            await service.auth.outbox.deliver_due()
            await asyncio.sleep(0.01)
    assert named(capsys, "mail_dropped")
