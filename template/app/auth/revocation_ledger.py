# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The ledger of the lease protocol in Redis; see `revocation_terms.py` for what each call means."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from app.auth import revocation_scripts as scripts
from app.auth.revocation import Denial
from app.auth.revocation_strict import LookUps
from app.auth.revocation_terms import (
    Entry,
    EpochLost,
    Expelled,
    LedgerUnavailable,
    Record,
    Standing,
)
from app.core.clock import Clock
from app.core.redis import REDIS_AWAY

LOG_SECONDS = 300  # a worker that lags further behind reads the database anew
READ_ENTRIES = 1_000  # in one answer
_WORKER = b"worker:"


class RedisLedger:
    """The shared memory in Redis.

    Args:
        client: its time-outs bound every call; `read` needs one that is longer than its wait.
        prefix: begins every key.
        clock: the service's clock, for how long an entry lives.
    """

    def __init__(self, client: Redis, prefix: str, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._deny = f"{prefix}:deny:"
        self._keys = [f"{prefix}:copy:{name}" for name in ("epoch", "workers", "log")]
        self._open = client.register_script(scripts.OPEN)
        self._write = client.register_script(scripts.WRITE)
        self._renew = client.register_script(scripts.RENEW)
        self._look_ups = LookUps(client, self._keys[0])

    async def open(self) -> Standing:
        """See `Ledger`."""
        async with _unavailable():
            return _standing(await self._open(self._keys, [uuid4().hex]))

    async def fill(self, epoch: str, denials: Sequence[Denial]) -> None:
        """See `Ledger`."""
        await self._put(denials, epoch, log_seconds=0)

    async def announce(self, denials: Sequence[Denial]) -> Standing:
        """See `Ledger`."""
        return await self._put(denials, "", log_seconds=LOG_SECONDS)

    async def renew(
        self, epoch: str, worker: str | None, applied: int, *, settle: bool, expel: Expelled
    ) -> Standing:
        """See `Ledger`."""
        arguments: list[Any] = [
            epoch,
            worker or "",
            applied,
            int(settle),
            *chain.from_iterable(expel),
        ]
        async with _unavailable():
            return _standing(await self._renew(self._keys, arguments))

    async def read(self, epoch: str, after: int, wait: float) -> Sequence[Entry]:
        """See `Ledger`; the entries say themselves of which epoch they are."""
        log = self._keys[2]
        milliseconds = max(1, int(wait * 1000))
        async with _unavailable():
            answer: Any = await self._client.xread(  # lists of lists, whatever its type says
                {log: f"{after}-0"}, count=READ_ENTRIES, block=milliseconds
            )
            return [_entry(number, fields) for _, found in answer for number, fields in found]

    async def look_up(self, keys: Sequence[str]) -> tuple[str | None, Sequence[bytes | None]]:
        """See `Ledger`; look-ups of many requests travel together."""
        async with _unavailable():
            return await self._look_ups.ask([self._deny + key for key in keys])

    async def _put(self, denials: Sequence[Denial], epoch: str, *, log_seconds: int) -> Standing:
        now = self._clock.now()
        arguments: list[Any] = [epoch, log_seconds]
        for denial in denials:
            left = int((denial.expires_at - now).total_seconds() * 1000)
            end = denial.expires_at.timestamp()
            arguments += [denial.kind, denial.value, denial.version, end, max(left, 1)]
        keys = [f"{self._deny}{denial.kind}:{denial.value}" for denial in denials]
        async with _unavailable():
            return _standing(await self._write([*self._keys, *keys], arguments))


@asynccontextmanager
async def _unavailable() -> AsyncGenerator[None, None]:
    try:
        yield
    except REDIS_AWAY as error:
        raise LedgerUnavailable from error


def _standing(answer: Sequence[bytes] | None) -> Standing:
    """Return the hash of the workers as the words of the protocol.

    Raises:
        EpochLost: the script found another epoch than the one that it was asked about, or none.
    """
    if answer is None:
        raise EpochLost
    fields = dict(zip(answer[::2], answer[1::2], strict=True))
    workers = {
        name.removeprefix(_WORKER).decode(): Record(*map(int, value.split()))
        for name, value in fields.items()
        if name.startswith(_WORKER)
    }
    settled = fields[b"settled"] == b"1"
    return Standing(fields[b"epoch"].decode(), int(fields[b"last"]), settled, workers)


def _entry(number: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    end = datetime.fromtimestamp(float(fields[b"end"]), UTC)
    kind, value = fields[b"kind"].decode(), fields[b"value"].decode()
    denial = Denial(kind, value, int(fields[b"version"]), end)
    return Entry(fields[b"epoch"].decode(), int(number.partition(b"-")[0]), denial)
