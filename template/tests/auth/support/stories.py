# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Lets Hypothesis make up orders of events, for the tests that hold the service against a model."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import TypeVar

import anyio.from_thread
import anyio.to_thread
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

T = TypeVar("T")

WORKERS = 2
MOST_CHAPTERS = 8

picks = st.integers(min_value=0, max_value=1_000_000)
flags = st.booleans()
workers = st.integers(min_value=0, max_value=WORKERS - 1)


def pick(sequence: list[T], number: int) -> T:
    """Return one element; small numbers are the newest ones, and failures shrink towards them."""
    return sequence[-1 - number % len(sequence)]


def run(work: Callable[..., Awaitable[T]], *args: object, **kwargs: object) -> T:
    """Run a coroutine on the test's event loop; Hypothesis runs rules in a thread without one."""

    async def call() -> T:
        return await work(*args, **kwargs)

    return anyio.from_thread.run(call)


async def tell(
    machine: type[RuleBasedStateMachine],
    stories: int,
    steps: int,
    met: Counter[str],
    wanted: Collection[str],
) -> None:
    """Look for an order of events in which service and model disagree.

    Args:
        machine: the service beside its model.
        stories: how many to tell in one chapter; there are as many chapters as it takes for
            everything wanted to have come up.
        steps: how long a story may be.
        met: what came up, counted by the machine.
        wanted: without these the stories prove too little.
    """
    profile = settings(
        max_examples=stories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        # Not shrunk: a failure is to be told in bounded time, and its steps are few.
        phases=(Phase.generate,),
    )
    for chapter in range(MOST_CHAPTERS):
        search = partial(run_state_machine_as_test, seed(chapter)(machine), settings=profile)
        await anyio.to_thread.run_sync(search)
        if all(met[name] for name in wanted):
            return
    pytest.fail(f"the stories were not worth telling: {met}")
