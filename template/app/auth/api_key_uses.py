# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""When and from where each key was last used: noted on the way, written in the background."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.api_key_models import ApiKey
from app.core.clock import Clock
from app.core.database import Database

WRITTEN_AT_MOST_EVERY = timedelta(minutes=1)  # for each key, whatever the number of workers
MAX_NOTED = 10_000  # keys; beyond it the longest unused one is noted sooner than in a minute
BATCH = 500  # keys in one transaction; bounds the time for which their rows are locked


@dataclass(frozen=True)
class Use:
    """The last time a key was seen, and from where."""

    key_id: str
    at: datetime
    address: str


class KeyUses:
    """The last uses that one worker has seen; no request waits for their writing.

    Args:
        database: where they are written.
        clock: the service's clock.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: OrderedDict[str, datetime] = OrderedDict()
        self._unwritten: dict[str, Use] = {}

    def note(self, key_id: str, read_address: Callable[[], str]) -> None:
        """Note that a key was used, once a minute; the address is read only then."""
        now, noted = self._clock.now(), self._noted.get(key_id)
        if noted is not None and now - noted < WRITTEN_AT_MOST_EVERY:
            return
        self._noted[key_id] = now
        self._noted.move_to_end(key_id)
        if len(self._noted) > MAX_NOTED:
            forgotten, _ = self._noted.popitem(last=False)
            self._unwritten.pop(forgotten, None)
        self._unwritten[key_id] = Use(key_id, now, read_address())

    async def write(self) -> None:
        """Write what was noted since; what cannot be written stays for the next time."""
        while self._unwritten:
            batch = [self._unwritten[key_id] for key_id in list(self._unwritten)[:BATCH]]
            async with self._database.transaction() as session:
                await _write(session, batch)
            for use in batch:
                if self._unwritten.get(use.key_id) is use:
                    del self._unwritten[use.key_id]


async def _write(session: AsyncSession, uses: Sequence[Use]) -> None:
    """Write uses, but for keys of which another worker has written one within the minute."""
    statement = (
        update(ApiKey)
        .where(
            ApiKey.id == bindparam("key_id"),
            or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= bindparam("before")),
        )
        .values(last_used_at=bindparam("at"), last_used_ip=bindparam("address"))
    )
    rows = [
        {
            "key_id": use.key_id,
            "at": use.at,
            "before": use.at - WRITTEN_AT_MOST_EVERY,
            "address": use.address,
        }
        for use in sorted(uses, key=lambda use: use.key_id)  # rows are locked in one order
    ]
    await (await session.connection()).execute(statement, rows)
