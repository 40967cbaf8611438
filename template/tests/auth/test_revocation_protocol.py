# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""No schedule of delays, pauses, crashes and losses makes a worker accept what was revoked.

The code of `revocation_member.py` and `revocation_lease.py` runs here as it does in the service, in
simulated time against a simulated Redis. Hypothesis looks for a schedule that breaks the promise;
what it finds it makes small. Clocks run up to 20 percent fast or slow.
"""

import copy
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.auth.revocation import Denial
from app.auth.revocation_terms import EpochLost, LedgerUnavailable, Terms
from app.auth.security import AccessClaims
from tests.auth.support.clock import START
from tests.auth.support.simulated_ledger import Memory
from tests.auth.support.simulated_time import Simulation
from tests.auth.support.simulation import REQUEST_TIMEOUT, Process

PROCESSES = 3
TERMS = Terms()
CALM = [0.001]
# Seconds. Mostly fast, so that something happens; else up to twice a lease late.
DELAYS = [*[0.001] * 24, 0.0, 0.0, 0.02, 0.2, 0.4, 1.9, 6.0]
GAPS = [0.0, 0.002, 0.03, 0.3, 0.3, 1.0, 2.5]
PAUSES = [0.1, 1.0, 2.9, 4.5, 8.0]
SLOW = [0.2, 0.9, 1.9, 4.0]
RATES = [0.8, 1.0, 1.2]
SETTLING = TERMS.remembered / min(RATES) + 2
# A revocation: two tries to append with a new epoch between, the wait, a look that takes long.
BOUND = TERMS.remembered + 5 * REQUEST_TIMEOUT

numbers = partial(st.integers, 0)
which = numbers(PROCESSES - 1)
lengths = st.sampled_from(PAUSES)
Action = tuple[Any, ...]
troubles: st.SearchStrategy[Action] = st.one_of(
    st.tuples(st.just("pause"), which, lengths),
    st.tuples(st.just("pause_after_sending"), which, st.just(max(PAUSES))),
    st.tuples(st.just("slow_down"), which, st.sampled_from(SLOW), lengths),
    st.tuples(st.just("crash"), which),
    st.tuples(st.sampled_from(["flush", "restart", "restore"])),
    st.tuples(st.sampled_from(["snapshot", "lose_log"])),
    st.tuples(st.just("stop_redis"), lengths),
)
revocations: st.SearchStrategy[Action] = st.tuples(st.just("revoke"), which, st.booleans())
gaps = st.sampled_from(GAPS)
steps = st.lists(st.tuples(gaps, troubles, gaps, revocations), min_size=1, max_size=8)
delay_lists = st.lists(st.sampled_from(DELAYS), min_size=1, max_size=40)
rate_lists = st.lists(st.sampled_from(RATES), min_size=PROCESSES, max_size=PROCESSES)
copies = st.lists(st.sampled_from([True, True, False]), min_size=PROCESSES, max_size=PROCESSES)


class Story:
    """Some processes of a service, what was promised to its users, and what happens to them.

    Args:
        rates: how fast each process' clock runs.
        keeps_copy: for each process whether it keeps a copy, or asks each time.
    """

    def __init__(self, rates: Sequence[float], keeps_copy: Sequence[bool]) -> None:
        self.simulation = Simulation(CALM, self.require_promise)
        self.keeps_copy = keeps_copy
        self.answered: set[int] = set()
        self.revoked = 0
        self.snapshots = [Memory()]
        self.processes = [Process(self.simulation, rate) for rate in rates]
        for number in range(PROCESSES):
            self.begin(number)

    def begin(self, number: int) -> None:
        """Let a process do what it does beside requests."""
        member = self.processes[number].member
        work = member.follow() if self.keeps_copy[number] else member.settle()
        self.processes[number].start(work)

    def require_promise(self) -> None:
        """Demand that no process would accept what was answered, at this moment."""
        for process in self.processes:
            replica = process.member.replica
            if process.runs and replica.may_answer(process.clock()):
                for number in self.answered:
                    assert replica.copy.denies(claims(number)), "a copy lets a revoked token in"

    def act(self, action: Action) -> None:
        """Do one of the actions, by its name."""
        name, *arguments = action
        act: Callable[..., None] = getattr(self, name)
        act(*arguments)

    def revoke(self, number: int, again: bool = False) -> None:
        """Revoke a token by way of a process: another one, or the same again."""
        self.revoked += not (again and self.revoked)
        process = self.processes[number]
        if process.runs:
            process.start(self._revoke(process, self.revoked))

    def check(self, number: int, presented: int) -> None:
        """Present a token to a process."""
        process = self.processes[number]
        if process.runs:
            process.start(self._check(process, presented))

    def pause(self, number: int, seconds: float) -> None:
        """Stop a process for a while."""
        self.processes[number].pause(seconds)

    def pause_after_sending(self, number: int, seconds: float) -> None:
        """Stop a process for a while when its next question is on its way."""
        self.processes[number].pause_after_sending = seconds

    def slow_down(self, number: int, delay: float, seconds: float) -> None:
        """Let the messages of one process take longer for a while."""
        process = self.processes[number]
        process.delay, process.slow_until = delay, self.simulation.now + seconds

    def crash(self, number: int) -> None:
        """End a process at once; another takes its place."""
        rate = self.processes[number].rate
        self.processes[number].alive = False
        self.processes[number] = Process(self.simulation, rate)
        self.begin(number)

    def flush(self) -> None:
        """Empty Redis."""
        self.simulation.redis.flush()

    def restart(self) -> None:
        """Start an empty Redis in place of this one, or fail over to one."""
        self.simulation.redis.restart(Memory())

    def snapshot(self) -> None:
        """Let a replica fall behind from now on, or a file be written."""
        self.snapshots.append(copy.deepcopy(self.simulation.redis.memory))

    def restore(self) -> None:
        """Fail over to the stale replica, or restore the file."""
        self.simulation.redis.restart(self.snapshots[-1])

    def lose_log(self) -> None:
        """Trim the log under the readers."""
        self.simulation.redis.lose_log()

    def stop_redis(self, seconds: float) -> None:
        """Pause the server; what is sent to it arrives afterwards."""
        self.simulation.redis_stopped_until = self.simulation.now + seconds

    async def _revoke(self, process: Process, number: int) -> None:
        self.simulation.committed.append(denial(number))
        began, paused = process.clock(), process.pauses
        try:
            await process.member.announce([denial(number)])
        except (EpochLost, LedgerUnavailable):
            pass  # a 503: nothing was promised
        else:
            self.answered.add(number)
            for other in range(PROCESSES):
                self.check(other, number)
        if process.pauses == paused:
            assert process.clock() - began <= BOUND + 0.01, "a revocation waited without bound"

    async def _check(self, process: Process, number: int) -> None:
        was_answered = number in self.answered
        try:
            denied = await process.member.is_denied(claims(number))
        except (EpochLost, LedgerUnavailable):
            return  # a 503
        assert denied or not was_answered, "a process lets a revoked token in"

    def calm_down(self) -> None:
        """Let all trouble end; then everything must be well soon."""
        simulation = self.simulation
        simulation.delays = cycle(CALM)
        for process in self.processes:
            process.pause_after_sending = process.slow_until = 0.0
        wake = max([simulation.redis_stopped_until, *(p.paused_until for p in self.processes)])
        simulation.run_until(max(wake, simulation.now) + max(DELAYS) + 2 * SETTLING)
        for process, keeps_copy in zip(self.processes, self.keeps_copy, strict=True):
            assert process.member.replica.may_answer(process.clock()) == keeps_copy
        self.revoke(0)
        # Where nobody follows Redis, nobody may have noticed that it has a new epoch.
        soon = 0.3 if any(self.keeps_copy) else SETTLING
        simulation.run_until(simulation.now + soon)
        assert self.revoked in self.answered, "a revocation waits for nobody"


def denial(number: int) -> Denial:
    """Return the denial of a token; some deny its session, some the account's versions below 1."""
    kind = "sub" if number % 3 == 2 else "sid"
    return Denial(kind, str(UUID(int=number)), number % 3 // 2, START + timedelta(minutes=15))


def claims(number: int) -> AccessClaims:
    """Return the claims of a token."""
    same = UUID(int=number)
    return AccessClaims("", same, "", "", START, START, f"t{number}", same, 0, START, "")


def tell(
    rates: Sequence[float],
    keeps_copy: Sequence[bool],
    delays: Sequence[float],
    what_happens: Sequence[tuple[float, Action, float, Action]],
) -> None:
    """Let a story happen from a calm beginning to a calm end."""
    story = Story(rates, keeps_copy)
    simulation = story.simulation
    simulation.run_until(SETTLING)
    simulation.delays = cycle(delays)
    for before, trouble, after, revocation in what_happens:
        simulation.run_until(simulation.now + before)
        story.act(trouble)
        simulation.run_until(simulation.now + after)
        story.act(revocation)
    story.calm_down()


def search(examples: int, *, repeatable: bool) -> None:
    """Tell so many stories."""

    @settings(
        max_examples=examples,
        # To make a schedule small takes minutes; remove this to read one.
        phases=[Phase.generate],
        derandomize=repeatable,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(rates=rate_lists, keeps_copy=copies, delays=delay_lists, what_happens=steps)
    def search_for_a_schedule(**story: Any) -> None:
        tell(**story)

    search_for_a_schedule()


def test_no_schedule_lets_a_revoked_token_in() -> None:
    search(250, repeatable=True)


@pytest.mark.slow
def test_no_schedule_lets_a_revoked_token_in_in_a_long_search() -> None:
    search(600, repeatable=False)


def test_a_worker_that_missed_an_entry_does_not_trust_its_copy() -> None:
    # It sleeps for longer than its last question waits, and through a revocation. The log forgets
    # that one, and holds the next when the worker wakes.
    sleep = ("pause", 0, 8.0), 2.5, ("revoke", 1, False)
    forget = ("lose_log",), 0.0, ("revoke", 1, False)
    tell([1.0] * PROCESSES, [True] * PROCESSES, CALM, [(0.3, *sleep), (5.2, *forget)])
