# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A worker that pauses while it issues a token signs none that outlives the denial of its session.

The times count from before the transaction's first write. Were they taken at the signing, a worker
that slept between the two could sign a token that lives on when its deny entry has gone.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.auth import repository
from tests.auth.support.credentials import User
from tests.auth.support.service import Service

PAUSE = 600  # seconds


def pausing(service: Service, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a function that sleeps for ten minutes once its work is done."""

    async def work_and_pause(*args: Any, **kwargs: Any) -> Any:
        done = await work(*args, **kwargs)
        service.clock.advance(seconds=PAUSE)
        return done

    return work_and_pause


async def test_a_worker_that_pauses_signs_nothing_that_lives_longer(
    service: Service, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = repository.insert_refresh_token
    monkeypatch.setattr(repository, "insert_refresh_token", pausing(service, insert))
    began = int(service.clock.now().timestamp())
    tokens = await service.login(account)
    assert service.clock.now().timestamp() >= began + PAUSE
    assert (tokens.claims["iat"], tokens.claims["exp"]) == (began, began + 900)
    assert tokens.claims["auth_time"] == began


async def test_a_worker_that_pauses_in_a_refresh_signs_nothing_that_lives_longer(
    service: Service, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = await service.login(account)
    touch = repository.touch_session
    monkeypatch.setattr(repository, "touch_session", pausing(service, touch))
    began = int(service.clock.now().timestamp())
    renewed = await service.refresh(tokens)
    assert service.clock.now().timestamp() >= began + PAUSE
    assert (renewed.claims["iat"], renewed.claims["exp"]) == (began, began + 900)
