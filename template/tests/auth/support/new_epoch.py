# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A Redis in which no worker can hold a lease of before, so that nobody need wait for that.

Imported only by services that use Redis.
"""

from contextlib import suppress

import pytest

from app.auth import revocation_redis
from app.auth.revocation_ledger import RedisLedger
from app.auth.revocation_terms import LedgerUnavailable, Terms
from app.core.clock import SystemClock
from app.core.redis import create_redis

SHORT_TERMS = Terms(lease=0.6, remembered=1.0, renew_every=0.1)  # seconds


def shorten_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let leases of the services made from here on be short: what counts is their order."""
    monkeypatch.setattr(revocation_redis, "TERMS", SHORT_TERMS)


async def begin_settled(redis_url: str, prefix: str) -> None:
    """Begin the epoch of a key prefix that nobody has used yet; a Redis that is away stays so."""
    client = create_redis(redis_url)
    ledger = RedisLedger(client, prefix, SystemClock())
    with suppress(LedgerUnavailable):
        epoch = (await ledger.open()).epoch
        await ledger.renew(epoch, None, 0, settle=True, expel=())
    await client.aclose()
