# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Simulated time: whatever happens to the processes, their messages and the Redis, in its order."""

import heapq
from collections.abc import Callable, Generator, Sequence
from itertools import count, cycle
from types import coroutine
from typing import Any

from app.auth.revocation import Denial
from tests.auth.support.simulated_ledger import SimulatedRedis

Resume = Callable[[object], None]  # takes a value, or an exception to raise


@coroutine
def suspend(arm: Callable[[Resume], None]) -> Generator[Callable[[Resume], None], object, Any]:
    """Give up control; `arm` gets what will resume this coroutine, once."""
    return (yield arm)


class Simulation:
    """Time, messages, the server and the database.

    Args:
        delays: seconds that messages take, one after the other, again and again.
        check: called after everything that happens.
    """

    def __init__(self, delays: Sequence[float], check: Callable[[], None]) -> None:
        self.now = 0.0
        self.redis = SimulatedRedis()
        self.redis_stopped_until = 0.0
        self.committed: list[Denial] = []
        self.delays = cycle(delays)
        self._check = check
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._readers: list[Callable[[], None]] = []

    def at(self, moment: float, event: Callable[[], None]) -> None:
        """Let something happen at a moment."""
        heapq.heappush(self._events, (max(moment, self.now), next(self._order), event))

    def run_until(self, moment: float) -> None:
        """Let everything happen that is due before a moment."""
        while self._events and self._events[0][0] <= moment:
            self.now, _, event = heapq.heappop(self._events)
            event()
            self._check()
        self.now = moment
        self._check()

    def on_server(self, step: Callable[[], None]) -> None:
        """Let a message arrive at the server, which may be stopped, and wake those who read."""

        def arrive() -> None:
            if self.now < self.redis_stopped_until:
                self.at(self.redis_stopped_until, arrive)
                return
            step()
            readers, self._readers = self._readers, []
            for reader in readers:
                reader()

        arrive()

    def wait_for_news(self, again: Callable[[], None]) -> None:
        """Call back after the next message that the server takes."""
        self._readers.append(again)
