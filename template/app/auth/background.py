# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What each worker does beside requests: fresh keys, undelivered denials, mail, old rows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from app.auth import metrics
from app.auth.cleanup import delete_old_rows
from app.auth.keyring import RELOAD_EVERY
from app.auth.revocation import oldest_undelivered
from app.auth.runtime import Auth

ROTATION_CHECK_EVERY = timedelta(minutes=10)
DELIVERY_EVERY = timedelta(seconds=5)
MAIL_EVERY = timedelta(seconds=5)
CLEANUP_EVERY = timedelta(hours=1)

log = structlog.get_logger()


@asynccontextmanager
async def background_work(auth: Auth) -> AsyncIterator[None]:
    """Run the jobs until the block ends; a job that fails is logged and tried at its next turn."""
    await rotate_keys(auth)
    await auth.keyring.reload()
    jobs = [
        _every(RELOAD_EVERY, auth.keyring.reload),
        _every(ROTATION_CHECK_EVERY, lambda: rotate_keys(auth)),
        _every(DELIVERY_EVERY, lambda: _deliver_denials(auth)),
        _every(MAIL_EVERY, auth.outbox.deliver_due, wake=auth.outbox.due),
        _every(CLEANUP_EVERY, lambda: delete_old_rows(auth.database, auth.clock.now())),
    ]
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def rotate_keys(auth: Auth) -> None:
    """Make the next signing key when none is waiting; any number of workers may try at once."""
    kid = await auth.key_store.rotate_if_due(auth.clock.now())
    if kid:
        log.info("signing_key_made", kid=kid)
    if auth.keyring.is_overdue():
        log.error("signing_key_overdue")


async def _deliver_denials(auth: Auth) -> None:
    now = auth.clock.now()
    try:
        await auth.deliver_denials()
    finally:
        oldest = await oldest_undelivered(auth.database, auth.stores.revocation, now)
        age = 0.0 if oldest is None else (now - oldest).total_seconds()
        metrics.UNDELIVERED_DENIALS.set(age)


async def _every(
    interval: timedelta, job: Callable[[], Awaitable[object]], wake: asyncio.Event | None = None
) -> None:
    while True:
        await _pause(interval, wake)
        try:
            await job()
        except Exception as error:
            log.warning("background_job_failed", job=repr(job), error=type(error).__name__)


async def _pause(interval: timedelta, wake: asyncio.Event | None) -> None:
    if wake is None:
        await asyncio.sleep(interval.total_seconds())
        return
    try:
        await asyncio.wait_for(wake.wait(), interval.total_seconds())
    except TimeoutError:
        return
    wake.clear()
