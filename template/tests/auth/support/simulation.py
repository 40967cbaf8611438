# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Processes, a network and a Redis in simulated time, in which the service's own code runs.

Nothing is random: whoever drives it decides who is slow, paused, or loses its memory, and when.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from app.auth.revocation import Denial
from app.auth.revocation_member import Member, World
from app.auth.revocation_terms import Entry, EpochLost, Expelled, LedgerUnavailable, Standing, Terms
from tests.auth.support.clock import START
from tests.auth.support.simulated_ledger import SimulatedRedis
from tests.auth.support.simulated_time import Resume, Simulation, suspend

T = TypeVar("T")
REQUEST_TIMEOUT, FOLLOWER_TIMEOUT = 0.25, 2.0  # seconds of the process' own clock

_names = count(1)


class Process:
    """A process of the service with a clock that is fast or slow.

    Args:
        simulation: where it lives.
        rate: seconds that its clock runs in a second.
    """

    def __init__(self, simulation: Simulation, rate: float) -> None:
        self.simulation = simulation
        self.rate = rate
        self.alive = True
        self.paused_until = 0.0
        self.pauses, self.pause_after_sending = 0, 0.0
        self.delay, self.slow_until = 0.0, 0.0  # what its messages take beside all others
        requests, follower = (SimulatedLedger(self, t) for t in (REQUEST_TIMEOUT, FOLLOWER_TIMEOUT))
        # No lock: more schedules than a service with its lock can have.
        world = World(self.clock, lambda: START, self.sleep, self.read_database, nullcontext())
        self.member = Member(f"w{next(_names)}", requests, follower, world, Terms())

    def clock(self) -> float:
        """Return the process' own time; it runs through pauses."""
        return self.simulation.now * self.rate

    @property
    def runs(self) -> bool:
        """Whether the process can do anything at this moment."""
        return self.alive and self.simulation.now >= self.paused_until

    def pause(self, seconds: float) -> None:
        """Stop the process for a while."""
        self.paused_until = max(self.paused_until, self.simulation.now + seconds)
        self.pauses += 1
        self.simulation.at(self.paused_until, lambda: None)  # what it would do before all else

    def sent(self) -> None:
        """Take note that a message has left."""
        if self.pause_after_sending:
            seconds, self.pause_after_sending = self.pause_after_sending, 0.0
            self.pause(seconds)

    def message(self, arrive: Callable[[], None]) -> None:
        """Let something happen when a message to or from this process arrives."""
        simulation = self.simulation
        slow = self.delay if simulation.now < self.slow_until else 0.0
        simulation.at(simulation.now + next(simulation.delays) + slow, arrive)

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Let the process do something beside whatever else it does."""
        self._step(work, None)

    def _step(self, work: Coroutine[Any, Any, object], value: object) -> None:
        if not self.alive:
            work.close()
            return
        with suppress(StopIteration):
            arm = work.throw(value) if isinstance(value, Exception) else work.send(value)
            done = False

            def resume(value: object) -> None:
                nonlocal done
                if not done:
                    done = True
                    # Strictly after the pause, so that the waking process is looked at first.
                    moment = self.simulation.now
                    if not self.runs:
                        moment = self.paused_until + 1e-9
                    self.simulation.at(moment, lambda: self._step_when_awake(work, value))

            arm(resume)

    def _step_when_awake(self, work: Coroutine[Any, Any, object], value: object) -> None:
        if self.alive and not self.runs:
            again = self.paused_until + 1e-9
            self.simulation.at(again, lambda: self._step_when_awake(work, value))
        else:
            self._step(work, value)

    async def sleep(self, seconds: float) -> None:
        """Wait by the process' own clock."""
        end = self.simulation.now + seconds / self.rate
        await suspend(lambda resume: self.simulation.at(end, lambda: resume(None)))

    async def read_database(self) -> AsyncIterator[Sequence[Denial]]:
        """Yield what is committed when the question arrives."""
        found: list[Denial] = []

        def arm(resume: Resume) -> None:
            def arrive() -> None:
                found.extend(self.simulation.committed)
                self.message(lambda: resume(None))

            self.message(arrive)
            self.sent()

        await suspend(arm)
        for denial in found:
            yield [denial]


@dataclass(frozen=True)
class SimulatedLedger:
    """The ledger over the simulated network.

    Args:
        process: whose calls these are.
        timeout: seconds of the process' clock that an answer may take.
    """

    process: Process
    timeout: float

    async def open(self) -> Standing:
        """See `Ledger`."""
        return await self._call(lambda: self._redis.open())

    async def fill(self, epoch: str, denials: Sequence[Denial]) -> None:
        """See `Ledger`."""
        await self._call(lambda: self._redis.fill(epoch, denials))

    async def announce(self, denials: Sequence[Denial]) -> Standing:
        """See `Ledger`."""
        return await self._call(lambda: self._redis.announce(denials))

    async def renew(
        self, epoch: str, worker: str | None, applied: int, *, settle: bool, expel: Expelled
    ) -> Standing:
        """See `Ledger`."""
        return await self._call(
            lambda: self._redis.renew(epoch, worker, applied, settle=settle, expel=expel)
        )

    async def look_up(self, keys: Sequence[str]) -> tuple[str | None, Sequence[bytes | None]]:
        """See `Ledger`."""
        return await self._call(lambda: self._redis.look_up(keys))

    async def read(self, epoch: str, after: int, wait: float) -> Sequence[Entry]:
        """See `Ledger`."""
        until: list[float] = []

        def step() -> Sequence[Entry] | None:
            simulation = self.process.simulation
            if not until:
                until.append(simulation.now + wait)
                simulation.at(until[0], lambda: simulation.on_server(lambda: None))
            found = self._redis.read(after)
            return found if found or simulation.now >= until[0] else None

        return await self._call(step, waits=True) or []

    @property
    def _redis(self) -> SimulatedRedis:
        return self.process.simulation.redis

    async def _call(self, step: Callable[[], T], *, waits: bool = False) -> T:
        simulation = self.process.simulation

        def arm(resume: Resume) -> None:
            def arrive() -> None:
                try:
                    answer: object = step()
                except EpochLost as lost:
                    answer = lost
                if waits and answer is None:
                    simulation.wait_for_news(arrive)
                    return
                self.process.message(lambda: resume(answer))

            self.process.message(lambda: simulation.on_server(arrive))
            self.process.sent()
            late = simulation.now + self.timeout / self.process.rate
            simulation.at(late, lambda: resume(LedgerUnavailable()))

        answer: T = await suspend(arm)
        return answer
