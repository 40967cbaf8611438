# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Questions travel together, each hears its own answer, and no answer is older than a question."""

import asyncio
from collections.abc import Sequence

import pytest

from app.core import batching
from app.core.batching import Batches

A_MOMENT = 0.01  # seconds; enough for the event loop to go round many times


class Store:
    """Answers each number with its double; remembers every batch, and holds them while told to."""

    def __init__(self) -> None:
        self.seen: list[Sequence[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def ask_all(self, asked: Sequence[int]) -> Sequence[int]:
        """Return the answers to a batch."""
        self.seen.append(asked)
        await self.open.wait()
        if 13 in asked:
            raise OSError("thirteen")
        return [2 * number for number in asked]


async def underway(batches: Batches[int, int], number: int) -> asyncio.Task[int]:
    """Ask a question and return when it has left."""
    task = asyncio.create_task(batches.ask(number))
    await asyncio.sleep(A_MOMENT)
    return task


async def test_the_questions_of_one_turn_travel_together() -> None:
    store = Store()
    batches = Batches(store.ask_all, 10)
    assert await asyncio.gather(*map(batches.ask, [3, 1, 2])) == [6, 2, 4]
    assert store.seen == [[3, 1, 2]]


async def test_what_comes_meanwhile_waits_and_travels_together_and_never_with_what_had_left() -> (
    None
):
    store = Store()
    batches = Batches(store.ask_all, 10)
    store.open.clear()
    first = await underway(batches, 1)
    later = [asyncio.create_task(batches.ask(number)) for number in (1, 3)]
    await asyncio.sleep(0)
    assert store.seen == [[1]]
    store.open.set()
    assert await asyncio.gather(first, *later) == [2, 2, 6]
    assert store.seen == [[1], [1, 3]]  # what may have changed since is asked again


async def test_a_batch_that_hangs_holds_up_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "PATIENCE", A_MOMENT)
    store = Store()
    batches = Batches(store.ask_all, 10)
    store.open.clear()
    hangs = await underway(batches, 1)
    closed, store.open = store.open, asyncio.Event()
    store.open.set()  # for those to come
    assert await asyncio.wait_for(batches.ask(2), 10) == 4
    assert not hangs.done()
    closed.set()
    assert await hangs == 2


async def test_each_question_of_a_batch_hears_of_its_failure_and_the_next_batch_is_answered() -> (
    None
):
    store = Store()
    batches = Batches(store.ask_all, 10)
    answers = await asyncio.gather(*map(batches.ask, [1, 13, 2]), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["thirteen"] * 3
    assert await batches.ask(4) == 8


async def test_a_client_that_hangs_up_takes_no_answer_from_others() -> None:
    store = Store()
    batches = Batches(store.ask_all, 10)
    store.open.clear()
    left, stays = await underway(batches, 1), asyncio.create_task(batches.ask(2))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.sleep(A_MOMENT)
    gone, waits = asyncio.create_task(batches.ask(3)), asyncio.create_task(batches.ask(4))
    await asyncio.sleep(0)
    gone.cancel()
    store.open.set()
    assert [await stays, await waits] == [4, 8]


async def test_a_batch_has_a_bound() -> None:
    store = Store()
    batches = Batches(store.ask_all, 2)
    assert await asyncio.gather(*map(batches.ask, range(5))) == [0, 2, 4, 6, 8]
    assert store.seen == [[0, 1], [2, 3], [4]]
