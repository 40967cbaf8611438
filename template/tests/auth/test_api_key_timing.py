# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How long a refused key takes does not tell whether there is such a key.

The method is that of test_timing.py. A key that is unknown, has a wrong secret, is revoked or has
expired costs one look-up, one comparison and one line of log each.
"""

import time
from collections.abc import AsyncIterator
from itertools import combinations
from statistics import median

import pytest

from app.auth.api_key_format import checksum, make_key
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.api_keys import Key, Owner, probed, unknown_key
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service
from tests.auth.test_timing import SAMPLES, differ

pytestmark = pytest.mark.slow


@pytest.fixture
async def probe(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service with the probe."""
    async with probed(kit, monkeypatch) as service:
        yield service


def with_another_secret(key: Key) -> Key:
    """Return a key with the public id of this one."""
    _, _, _, rest = make_key("user")[0].split("_")
    begin = f"gate_user_{key.id}_{rest[:43]}"
    return Key(key.id, begin + checksum(begin))


async def refusal_seconds(service: Service, key: Key) -> float:
    """Return how long a refused key takes when it is looked up."""
    service.auth.api_keys._cache._refused.clear()
    service.clock.advance(seconds=1)  # the allowance of unknown keys is not what is measured
    started = time.perf_counter()
    response = await service.client.get("/probe", headers=key.header)
    seconds = time.perf_counter() - started
    assert problem(response) == INVALID_TOKEN
    return seconds


async def test_every_refused_key_takes_the_same_time(probe: Service) -> None:
    owner = await Owner.on(probe)
    living, revoked, expired = (
        await owner.make(),
        await owner.make(),
        await owner.make(expires_in_days=1),
    )
    await owner.revoke(revoked)
    probe.clock.advance(days=1)
    times: dict[str, list[float]] = {"unknown": [], "secret": [], "revoked": [], "expired": []}
    for _ in range(SAMPLES):
        times["unknown"].append(await refusal_seconds(probe, unknown_key()))
        times["secret"].append(await refusal_seconds(probe, with_another_secret(living)))
        times["revoked"].append(await refusal_seconds(probe, revoked))
        times["expired"].append(await refusal_seconds(probe, expired))
    middles = {name: median(samples) for name, samples in times.items()}
    for first, second in combinations(times, 2):
        assert not differ(times[first], times[second]), (first, second, middles)
