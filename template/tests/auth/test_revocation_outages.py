# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Whatever becomes of Redis under load, no token is accepted after its logout has answered.

A token that nobody can judge gets 503, and so does a logout that nobody can vouch for. Set
`OUTAGE_REVOCATIONS` for more than the few logouts of an ordinary run, and `OUTAGE_FIGURES` to a
file that takes what was seen, a line of JSON each.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import pytest

from app.core.redis import create_redis
from tests.auth.support.plugin import StartWorkers
from tests.auth.support.redis_troubles import TROUBLES, RedisServers, Trouble, two_redis_servers
from tests.auth.support.revocation_load import RevocationLoad

pytestmark = pytest.mark.slow

WORKERS = 3
REVOCATIONS = int(os.environ.get("OUTAGE_REVOCATIONS", "420"))
STRIKE_EVERY = 400  # revocations; once in an ordinary run


@pytest.fixture
def database_backend() -> str:
    """A database that many write to at once."""
    return "postgres"


@pytest.fixture
async def servers() -> AsyncGenerator[RedisServers]:
    """Two Redis servers behind one address."""
    async with two_redis_servers() as running:
        yield running


async def epoch(servers: RedisServers, prefix: str) -> bytes | str | None:
    """Return the name of the memory that the Redis in use is."""
    client = create_redis(servers.used.url)
    name = await client.get(f"{prefix}:copy:epoch")
    await client.aclose()
    return name


async def epoch_after(servers: RedisServers, prefix: str, before: bytes | str | None) -> object:
    """Return its name once that is another one, or what it is after some seconds."""
    for _ in range(50):
        if (after := await epoch(servers, prefix)) != before:
            break
        await asyncio.sleep(0.1)  # under `replica` each worker finds out by itself
    return after


async def strike(
    load: RevocationLoad, servers: RedisServers, trouble: Trouble, revocations: int
) -> None:
    """Let a trouble strike again and again while so many tokens are revoked."""
    strikes, begun_at = max(1, revocations // STRIKE_EVERY), load.revoked
    for number in range(strikes):
        begun = begun_at + number * revocations // strikes
        await load.reach(begun + revocations // strikes // 4)
        await trouble.prepare(servers)
        await load.reach(load.revoked + revocations // strikes // 4)
        await trouble.strike(servers)


@pytest.mark.parametrize("check", ["replica", "strict"])
async def test_no_revoked_token_is_accepted_whatever_becomes_of_redis(
    workers: StartWorkers, servers: RedisServers, check: str
) -> None:
    service = await workers(
        WORKERS, redis_url=servers.url, revocation_check=check, trusted_proxy_hops=1
    )
    prefix = service.settings.redis_key_prefix
    for name, trouble in TROUBLES.items():
        load, revocations = RevocationLoad(service), REVOCATIONS // len(TROUBLES)
        before = await epoch(servers, prefix)
        await load.run(revocations, partial(strike, load, servers, trouble, revocations))
        note(check, name, load)
        assert load.wrong == [], name
        assert load.revoked >= revocations
        found = epoch_after(servers, prefix, before) if trouble.forgets else epoch(servers, prefix)
        assert (await found != before) == trouble.forgets, name


def note(check: str, name: str, load: RevocationLoad) -> None:
    """Write down what was seen, where somebody wants to know."""
    if path := os.environ.get("OUTAGE_FIGURES"):
        row = {
            "check": check,
            "trouble": name,
            "revoked": load.revoked,
            "wrong": len(load.wrong),
            "answers": _by_status(load.answers),
            "logouts": _by_status(load.logouts),
        }
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _by_status(counts: Counter[int]) -> dict[str, int]:
    return {str(status): count for status, count in sorted(counts.items())}
