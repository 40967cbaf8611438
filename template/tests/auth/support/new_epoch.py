# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A Redis in which no worker can hold a lease of before, so that nobody need wait for that.

Imported only by services that use Redis.
"""

from contextlib import suppress

from app.auth.revocation_ledger import RedisLedger
from app.auth.revocation_terms import LedgerUnavailable
from app.core.clock import SystemClock
from app.core.redis import create_redis


async def begin_settled(redis_url: str, prefix: str) -> None:
    """Begin the epoch of a key prefix that nobody has used yet; a Redis that is away stays so."""
    client = create_redis(redis_url)
    ledger = RedisLedger(client, prefix, SystemClock())
    with suppress(LedgerUnavailable):
        epoch = (await ledger.open()).epoch
        await ledger.renew(epoch, None, 0, settle=True, expel=())
    await client.aclose()
