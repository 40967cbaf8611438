# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What each worker does beside requests: fresh keys, undelivered denials, mail, old rows."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from app.auth import metrics
from app.auth.cleanup import delete_old_rows
from app.auth.delivery import oldest_undelivered
from app.auth.keyring import RELOAD_EVERY
from app.auth.runtime import Auth
from app.core.logging import security_event

ROTATION_CHECK_EVERY = timedelta(minutes=10)
DELIVERY_EVERY = timedelta(seconds=5)
MAIL_EVERY = timedelta(seconds=5)
KEY_USES_EVERY = timedelta(seconds=10)
CLEANUP_EVERY = timedelta(hours=1)
STOP_WITHIN = timedelta(seconds=5)  # less than any platform's grace period
LEAVE_WITHIN = timedelta(seconds=1)  # what follows the deny-list gives its lease back

log = structlog.get_logger()


@asynccontextmanager
async def background_work(auth: Auth) -> AsyncGenerator[None, None]:
    """Run the jobs until the block ends; a job that fails is logged and tried at its next turn."""
    if auth.settings.revocation_fail_open:
        log.warning("revocation_fail_open", meaning="revoked tokens pass while the list is away")
    await rotate_keys(auth)
    await auth.keyring.reload()
    stop = asyncio.Event()
    jobs = [
        _Job(RELOAD_EVERY, auth.keyring.reload),
        _Job(ROTATION_CHECK_EVERY, lambda: rotate_keys(auth)),
        _Job(DELIVERY_EVERY, lambda: _deliver_denials(auth)),
        _Job(MAIL_EVERY, auth.outbox.deliver_due, wake=auth.outbox.due),
        _Job(KEY_USES_EVERY, auth.api_keys.uses.write),
        _Job(CLEANUP_EVERY, lambda: delete_old_rows(auth.database, auth.clock.now())),
    ]
    tasks = [asyncio.create_task(_run(job, stop)) for job in jobs]
    following = asyncio.create_task(auth.stores.follow())
    try:
        yield
    finally:
        await _end(following)
        # Asked to stop, not cancelled: a cancellation in the middle of a statement can get lost.
        stop.set()
        for job in jobs:
            job.wake.set()
        _, late = await asyncio.wait(tasks, timeout=STOP_WITHIN.total_seconds())
        for task in late:
            task.cancel()


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task, and again if it goes on: in the middle of a statement that can get lost."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_WITHIN.total_seconds()):
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=LEAVE_WITHIN.total_seconds())


@dataclass(frozen=True)
class _Job:
    interval: timedelta
    work: Callable[[], Awaitable[object]]
    wake: asyncio.Event = field(default_factory=asyncio.Event)


async def rotate_keys(auth: Auth) -> None:
    """Make the next signing key when none is waiting; any number of workers may try at once."""
    kid = await auth.key_store.rotate_if_due(auth.clock.now())
    if kid:
        security_event("signing_key_rotated", kid=kid)
    if auth.keyring.is_overdue():
        log.error("signing_key_overdue")


async def _deliver_denials(auth: Auth) -> None:
    now = auth.clock.now()
    try:
        await auth.deliver_denials()
        await auth.delivery.marked()
    finally:
        oldest = await oldest_undelivered(auth.database, auth.stores.revocation, now)
        age = 0.0 if oldest is None else (now - oldest).total_seconds()
        metrics.UNDELIVERED_DENIALS.set(age)


async def _run(job: _Job, stop: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(job.interval.total_seconds()):
                await job.wake.wait()
        if stop.is_set():
            return
        job.wake.clear()
        try:
            await job.work()
        except Exception as error:  # the next turn may do better; the worker goes on serving
            log.warning("background_job_failed", job=repr(job.work), error=type(error).__name__)
