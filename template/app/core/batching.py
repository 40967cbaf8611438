# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Questions to a store in batches: what a busy worker wants to know at once travels together.

A round trip costs about the same for one question as for dozens of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

PATIENCE = 0.05  # seconds: a batch that hangs delays no other question for longer


@dataclass(frozen=True)
class _Asked(Generic[Question, Answer]):
    question: Question
    answer: asyncio.Future[Answer]


class Batches(Generic[Question, Answer]):
    """Collects questions while a batch is under way, and sends them when it is back.

    On an idle worker a question leaves with all others of its turn of the event loop. No batch
    holds a question that came after it had left, so no answer is older than its question.

    Args:
        ask_all: returns the answers to questions, in their order; each of them hears what it
            raises.
        most: questions in one batch.
    """

    def __init__(
        self, ask_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]], most: int
    ) -> None:
        self._ask_all = ask_all
        self._most = most
        self._waiting: list[_Asked[Question, Answer]] = []
        self._departure: asyncio.Handle | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question.

        Raises:
            Exception: whatever the store did to its batch.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked[Question, Answer](question, loop.create_future())
        if not self._waiting:
            self._departure = (
                loop.call_later(PATIENCE, self._depart)
                if self._under_way
                else loop.call_soon(self._depart)
            )
        self._waiting.append(asked)
        return await asked.answer

    def _depart(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), self._most):
            batch = asyncio.create_task(self._travel(waiting[start : start + self._most]))
            self._under_way.add(batch)
            batch.add_done_callback(self._arrived)

    def _arrived(self, batch: asyncio.Task[None]) -> None:
        self._under_way.discard(batch)
        if self._waiting and not self._under_way and self._departure:
            self._departure.cancel()
            self._depart()

    async def _travel(self, batch: Sequence[_Asked[Question, Answer]]) -> None:
        try:
            answers = await self._ask_all([asked.question for asked in batch])
        except Exception as error:  # whatever it was, each request must hear of it
            for asked in batch:
                if not asked.answer.done():
                    asked.answer.set_exception(error)
            return
        for asked, answer in zip(batch, answers, strict=True):
            if not asked.answer.done():  # a client that hung up waits no more
                asked.answer.set_result(answer)
