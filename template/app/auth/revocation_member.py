# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One process' part in the lease protocol: it answers checks, keeps its lease, and revokes.

Clock, sleep, ledger and database are given to it, so that a simulation can run this very code with
delays, pauses and losses of its own choosing. The rules are in `revocation_lease.py`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime

from app.auth.deniable import Deniable
from app.auth.revocation import Denial
from app.auth.revocation_lease import Answer, Replica, Watch
from app.auth.revocation_terms import EpochLost, Ledger, LedgerUnavailable, Terms

FIRST_LOOK = 0.001  # seconds after which a revoker looks who has applied; then ever later
LAST_LOOK = 0.05
RETRY_AFTER = 0.1  # seconds after which a ledger that did not answer is asked again


@dataclass(frozen=True)
class World:
    """What a member is given.

    Attributes:
        now: seconds of a clock that runs through suspend; only differences matter.
        wall: the service's clock, for what has expired.
        sleep: waits.
        denials: reads every living denial that the database holds when it is called, in batches.
        one_join: entered by whoever makes the shared list complete, one at a time.
    """

    now: Callable[[], float]
    wall: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    denials: Callable[[], AsyncIterator[Sequence[Denial]]]
    one_join: AbstractAsyncContextManager[object]


class Member:
    """A process of the service.

    Args:
        name: its own, of which no other process ever has the same.
        ledger: the shared memory, as requests reach it.
        follower: the same, for the loop that no request waits for.
        world: clock, sleep and database.
        terms: the durations, the same in every process.
    """

    def __init__(
        self, name: str, ledger: Ledger, follower: Ledger, world: World, terms: Terms
    ) -> None:
        self.name = name
        self.replica = Replica(terms)
        self._ledger = ledger
        self._follower = follower
        self._world = world
        self._terms = terms
        self._watch = Watch(terms)
        # The epoch in which this process itself has made the shared list complete: another
        # strategy may have been at work before it began.
        self._whole = ""
        self._whole_since = 0.0
        self._joins = 0

    async def is_denied(self, claims: Deniable) -> bool:
        """Tell whether a token is denied: from the copy under a lease, else by asking the ledger.

        Raises:
            LedgerUnavailable, EpochLost, ServiceUnavailable: it cannot be known.
        """
        if self.replica.may_answer(self._world.now()):
            return self.replica.copy.denies(claims)
        keys = [f"jti:{claims.token_id}", f"sid:{claims.session_id}", f"sub:{claims.subject}"]
        joins = self._joins
        epoch, (token, session, version) = await self._ledger.look_up(keys)
        if epoch is None or epoch != self._whole:
            await self._join(self._ledger, joins)
            epoch, (token, session, version) = await self._ledger.look_up(keys)
            if epoch is None or epoch != self._whole:
                raise EpochLost
        too_old = version is not None and claims.version < int(version)
        return token is not None or session is not None or too_old

    async def announce(self, denials: Sequence[Denial]) -> None:
        """Put denials on the list and return when they hold on every worker.

        Takes `remembered` seconds at most, after the ledger's own answer.

        Raises:
            LedgerUnavailable, EpochLost: they may not hold everywhere; do it again.
        """
        try:
            standing = await self._ledger.announce(denials)
        except EpochLost:
            await self._ledger.open()
            standing = await self._ledger.announce(denials)
        answer = Answer(standing, self._world.now(), self._terms)
        pause, looked_late = FIRST_LOOK, False
        while not answer.is_due(now := self._world.now()):
            looked_late = True
            await self._world.sleep(min(pause, answer.until - now))
            pause = min(pause * 1.5, LAST_LOOK)
            if self._world.now() < answer.until:
                await self._look(answer)
        if looked_late and self._world.now() >= answer.until:
            await self._look(answer, time_is_up=True)

    async def follow(self) -> None:
        """Keep a copy and a lease for as long as the process lives."""
        while True:
            try:
                await self._join(self._follower, self._joins, self.replica)
                await self._keep_lease()
            except EpochLost:
                self.replica.forget()
            except LedgerUnavailable:
                await self._world.sleep(RETRY_AFTER)

    async def leave(self) -> None:
        """Give the lease back, so that no revoker waits for this process; when it can be told."""
        epoch = self.replica.epoch
        self.replica.forget()
        if epoch:
            standing = await self._ledger.renew(epoch, None, 0, settle=False, expel=())
            if record := standing.workers.get(self.name):
                expel = [(self.name, record.grants)]
                await self._ledger.renew(epoch, None, 0, settle=False, expel=expel)

    async def settle(self) -> None:
        """Say, where nobody follows, when the leases of the epoch before have run out."""
        settled = ""
        while True:
            await self._world.sleep(self._terms.renew_every)
            if settled != self._whole and self._knows_epoch_long_enough():
                settled = self._whole
                with suppress(EpochLost, LedgerUnavailable):
                    await self._follower.renew(settled, None, 0, settle=True, expel=())

    async def _look(self, answer: Answer, *, time_is_up: bool = False) -> None:
        """See who has applied the entries; when the time is up, strike off who has not."""
        expel = answer.silent if time_is_up else ()
        # A ledger that is away or has forgotten: then the time alone answers.
        with suppress(EpochLost, LedgerUnavailable):
            answer.note(
                await self._ledger.renew(answer.epoch, None, 0, settle=time_is_up, expel=expel)
            )

    def _knows_epoch_long_enough(self) -> bool:
        return bool(self._whole) and (
            self._world.now() >= self._whole_since + self._terms.remembered
        )

    async def _keep_lease(self) -> None:
        replica, ledger = self.replica, self._follower
        while True:
            sent_at = self._world.now()
            try:
                standing = await ledger.renew(
                    replica.epoch,
                    self.name,
                    replica.applied,
                    settle=replica.epoch == self._whole and self._knows_epoch_long_enough(),
                    expel=self._watch.run_out(sent_at),
                )
                replica.granted(sent_at, standing)
                self._watch.note(standing.workers, self._world.now())
                entries = await ledger.read(replica.epoch, replica.applied, self._terms.renew_every)
            except LedgerUnavailable:
                await self._world.sleep(RETRY_AFTER)
                continue
            if not entries and replica.is_behind():
                raise EpochLost  # the log has lost what the lease waits for
            replica.apply(entries)
            replica.sweep(self._world.wall())

    async def _join(self, ledger: Ledger, joins: int, replica: Replica | None = None) -> None:
        """Make the shared list complete, and a copy of it where one is given."""
        async with self._world.one_join:
            if replica is None and joins != self._joins:
                return  # another request has done it since this one looked
            standing = await ledger.open()
            first_seen = self._world.now()
            if replica is not None:
                # The number from before the database is read: what is not in it comes by the log.
                replica.begin(standing.epoch, standing.last)
            async for denials in self._world.denials():
                await ledger.fill(standing.epoch, denials)
                if replica is not None:
                    replica.fill(denials)
            if self._whole != standing.epoch:
                self._whole, self._whole_since = standing.epoch, first_seen
            self._joins += 1
