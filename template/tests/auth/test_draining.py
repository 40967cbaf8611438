# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A stop under load loses no request: /readyz refuses first, the server closes later."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.auth.support.core_app import core_client


@pytest.fixture
def asked_to_stop() -> list[int]:
    """Stand in for the server: what it hears when it is asked to stop."""
    return []


async def test_a_service_that_shall_stop_is_not_ready_and_goes_on_until_the_delay_is_over(
    tmp_path: Path, asked_to_stop: list[int]
) -> None:
    before = signal.signal(signal.SIGTERM, lambda number, _: asked_to_stop.append(number))
    try:
        async with core_client(tmp_path, shutdown_delay=1) as client:
            assert (await client.get("/readyz")).status_code == 200
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/livez")).status_code == 200
            assert asked_to_stop == []
            await asyncio.sleep(1.5)
            assert asked_to_stop == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_a_second_request_to_stop_is_not_held_back(
    tmp_path: Path, asked_to_stop: list[int]
) -> None:
    before = signal.signal(signal.SIGTERM, lambda number, _: asked_to_stop.append(number))
    try:
        async with core_client(tmp_path, shutdown_delay=60):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            assert asked_to_stop == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_without_a_delay_the_server_hears_it_at_once(
    tmp_path: Path, asked_to_stop: list[int]
) -> None:
    before = signal.signal(signal.SIGTERM, lambda number, _: asked_to_stop.append(number))
    try:
        async with core_client(tmp_path) as client:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
            assert asked_to_stop == [signal.SIGTERM]
            assert (await client.get("/readyz")).status_code == 200
    finally:
        signal.signal(signal.SIGTERM, before)
