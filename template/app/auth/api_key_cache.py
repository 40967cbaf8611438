# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What one worker remembers of API keys, so that a request with a key needs no database.

A verdict is believed for 30 seconds from before its look-up began, a refusal for 5. Both memories
are bounded, refusals cannot push out good keys, and any number of requests with one key wait for
one look-up. Keys that nobody knows share one allowance of look-ups: trying random ones costs the
database a fixed trickle, and keys that this worker has seen are served on.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from app.auth.api_key_format import PresentedKey
from app.auth.principal import Principal
from app.core.clock import Clock
from app.core.errors import TooManyRequests

BELIEVE_FOR = timedelta(seconds=30)  # how long a change elsewhere may go unnoticed here
REFUSE_FOR = timedelta(seconds=5)  # short: a new key must not be refused for long by a mix-up
MAX_GOOD = 10_000  # keys; about 1 KiB each
MAX_REFUSED = 1_000
MAX_LOOKUPS_AT_ONCE = 4  # of the pool's connections; the others are for requests that are let in
MAX_WAITING = 1_000  # look-ups
# Look-ups of keys that turn out unknown, for each worker: at once, and a second.
UNKNOWN_BURST = 100
UNKNOWN_PER_SECOND = 20

Reason = Literal["unknown", "wrong_secret", "revoked", "expired", "owner_inactive"]


@dataclass(frozen=True)
class Grant:
    """A good key: who calls with it, and until when it is good."""

    principal: Principal
    expires_at: datetime


@dataclass(frozen=True)
class Refusal:
    """Why a key is refused, for the log; the caller hears one answer for all."""

    reason: Reason
    account_id: UUID | None


Verdict = Grant | Refusal


@dataclass(frozen=True)
class _Remembered:
    verdict: Verdict
    since: datetime
    until: datetime

    def holds(self, now: datetime) -> bool:
        """Tell whether it is still believed; not either when the clock was set back."""
        return self.since <= now < self.until


class KeyCache:
    """The verdicts of one worker.

    Args:
        look_up: asks the database.
        clock: the service's clock.
    """

    def __init__(self, look_up: Callable[[PresentedKey], Awaitable[Verdict]], clock: Clock) -> None:
        self._look_up = look_up
        self._clock = clock
        # Good keys stay after their 30 seconds, to be known; the longest unused goes first.
        self._good: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._refused: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._flights: dict[bytes, asyncio.Task[Verdict]] = {}
        self._free = asyncio.Semaphore(MAX_LOOKUPS_AT_ONCE)
        self._allowance = _Allowance(clock.now())

    async def verdict(self, key: PresentedKey) -> Verdict:
        """Return what is known of a key, from memory or by the one look-up that is under way.

        Raises:
            ServiceUnavailable: the database does not answer; nothing is remembered then.
            TooManyRequests: too many unknown keys are being tried, and this one is not known here.
        """
        now = self._clock.now()
        remembered = self._good.get(key.digest) or self._refused.get(key.digest)
        if remembered is not None and remembered.holds(now):
            return remembered.verdict
        flight = self._flights.get(key.digest)
        if flight is None:
            if len(self._flights) >= MAX_WAITING:
                raise TooManyRequests
            flight = self._flights[key.digest] = asyncio.create_task(self._fly(key))
            flight.add_done_callback(_retrieve)
        # Shielded: the others wait on when the client that came first hangs up.
        return await asyncio.shield(flight)

    async def verdict_after(self, outdated: Verdict, key: PresentedKey) -> Verdict:
        """Return a verdict whose look-up began after the outdated one was asked for.

        Raises:
            ServiceUnavailable, TooManyRequests: as `verdict`.
        """
        remembered = self._good.get(key.digest)
        if remembered is not None and remembered.verdict is outdated:
            # Not deleted: a key that was good is known still, and waits for no allowance.
            self._good[key.digest] = replace(remembered, until=remembered.since)
        return await self.verdict(key)

    def forget_key(self, key_id: str) -> None:
        """Ask again for a key from the next request on."""
        self._forget(lambda grant: grant.principal.key_id == key_id)

    def forget_account(self, account_id: UUID) -> None:
        """Ask again for every key of an account from the next request on."""
        self._forget(lambda grant: grant.principal.account_id == account_id)

    def _forget(self, concerns: Callable[[Grant], bool]) -> None:
        # What is being looked up may have been read before the change: it is not remembered.
        self._flights.clear()
        for digest, remembered in list(self._good.items()):
            if isinstance(remembered.verdict, Grant) and concerns(remembered.verdict):
                del self._good[digest]

    async def _fly(self, key: PresentedKey) -> Verdict:
        try:
            async with self._free:
                now = self._clock.now()
                if key.digest not in self._good:
                    self._allowance.require(now)
                verdict = await self._look_up(key)
                if isinstance(verdict, Refusal) and verdict.reason in {"unknown", "wrong_secret"}:
                    self._allowance.take()
            if self._is_mine(key):
                self._remember(key, verdict, now)
            return verdict
        finally:
            if self._is_mine(key):
                del self._flights[key.digest]

    def _is_mine(self, key: PresentedKey) -> bool:
        return self._flights.get(key.digest) is asyncio.current_task()

    def _remember(self, key: PresentedKey, verdict: Verdict, since: datetime) -> None:
        good = isinstance(verdict, Grant)
        self._good.pop(key.digest, None)
        self._refused.pop(key.digest, None)
        memory, most = (self._good, MAX_GOOD) if good else (self._refused, MAX_REFUSED)
        until = since + (BELIEVE_FOR if good else REFUSE_FOR)
        memory[key.digest] = _Remembered(verdict, since, until)
        if len(memory) > most:
            memory.popitem(last=False)


class _Allowance:
    """A bucket that fills at a steady pace; in memory, as asking a store would cost as much."""

    def __init__(self, now: datetime) -> None:
        self._left = float(UNKNOWN_BURST)
        self._filled_at = now

    def require(self, now: datetime) -> None:
        passed = max(0.0, (now - self._filled_at).total_seconds())
        self._left = min(UNKNOWN_BURST, self._left + passed * UNKNOWN_PER_SECOND)
        self._filled_at = now
        if self._left < 1:
            raise TooManyRequests

    def take(self) -> None:
        self._left -= 1


def _retrieve(flight: asyncio.Task[Verdict]) -> None:
    """Look at the outcome, so that nothing is logged when every client has hung up."""
    if not flight.cancelled():
        flight.exception()
