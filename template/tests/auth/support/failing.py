# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Storage that fails once, at a chosen call: what a lost connection does at the worst moment."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from app.core.database import Database


class FailsOnce:
    """Counts calls and fails the chosen one.

    Args:
        at: which call fails, counted from 1.
        error: what it raises.
    """

    def __init__(self, at: int, error: Exception) -> None:
        self._left = at
        self._error = error
        self.failed = False

    def __call__(self) -> None:
        """Count a call, and fail if it is the one."""
        self._left -= 1
        if self._left == 0:
            self.failed = True
            raise self._error


@contextmanager
def failing_database(database: Database, at: int, *, after_commit: bool) -> Generator[FailsOnce]:
    """Let one statement or commit of an app's database fail.

    Args:
        database: the app's.
        at: which one, counted from 1.
        after_commit: whether a commit fails after its effect: the answer got lost, not the data.
    """
    fails = FailsOnce(at, ConnectionResetError())
    engine = database.engine.sync_engine
    commit = engine.dialect.do_commit

    def do_execute(*_: object) -> None:
        fails()

    def do_commit(connection: Any) -> None:
        if after_commit:
            commit(connection)
        fails()
        if not after_commit:
            commit(connection)

    event.listen(engine, "do_execute", do_execute)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine.dialect, "do_commit", do_commit)
            yield fails
    finally:
        event.remove(engine, "do_execute", do_execute)


@contextmanager
def failing_redis(client: Any, at: int) -> Generator[FailsOnce]:
    """Let one command of an app's Redis client fail; counting tries goes on without Redis."""
    from redis.exceptions import ConnectionError as RedisConnectionError

    fails = FailsOnce(at, RedisConnectionError())
    execute = client.execute_command

    async def execute_command(*args: Any, **options: Any) -> Any:
        if not any(":limit:" in str(argument) for argument in args):
            fails()
        return await execute(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "execute_command", execute_command)
        yield fails
