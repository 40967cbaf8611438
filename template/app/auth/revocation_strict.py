# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Look-ups in Redis, all of one tick of the event loop in one MGET.

A busy worker has dozens of requests in the same tick, and a round trip costs the same for one as
for all of them. Each answer is held against the server that gave it: a connection that was opened
to a server of before is no reason to believe the epoch of the one of now.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from app.core.redis import run_id_of

MAX_LOOK_UPS = 500  # in one MGET, which nothing else in Redis runs beside

Values = Sequence[bytes | None]


@dataclass(frozen=True)
class _LookUp:
    keys: Sequence[str]
    answer: asyncio.Future[tuple[str | None, Values]]


class TickLookUps:
    """Collects look-ups until the event loop has gone once round.

    Args:
        client: its connections know the server they lead to (`create_redis`).
        epoch_key: holds the epoch, which begins with the `run_id` of its server.
    """

    def __init__(self, client: Redis, epoch_key: str) -> None:
        self._client = client
        self._epoch_key = epoch_key
        self._waiting: list[_LookUp] = []
        self._flights: set[asyncio.Task[None]] = set()

    async def ask(self, keys: Sequence[str]) -> tuple[str | None, Values]:
        """Return the epoch, None when it is not of the server that answered, and the values.

        Raises:
            RedisError, OSError: Redis does not answer.
        """
        loop = asyncio.get_running_loop()
        look_up = _LookUp(keys, loop.create_future())
        if not self._waiting:
            loop.call_soon(self._send)
        self._waiting.append(look_up)
        return await look_up.answer

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), MAX_LOOK_UPS):
            flight = asyncio.create_task(self._fly(waiting[start : start + MAX_LOOK_UPS]))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    async def _fly(self, look_ups: Sequence[_LookUp]) -> None:
        keys = [key for look_up in look_ups for key in look_up.keys]
        try:
            epoch, values = await self._mget(keys)
        except Exception as error:  # whatever it was, each request must hear of it
            for look_up in look_ups:
                if not look_up.answer.done():
                    look_up.answer.set_exception(error)
            return
        at = 0
        for look_up in look_ups:
            if not look_up.answer.done():  # a client that hung up waits no more
                look_up.answer.set_result((epoch, values[at : at + len(look_up.keys)]))
            at += len(look_up.keys)

    async def _mget(self, keys: Sequence[str]) -> tuple[str | None, Values]:
        pool = self._client.connection_pool
        # A decorator of redis-py's hides this one's type.
        connection: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_command("MGET", self._epoch_key, *keys)
            found, *values = await connection.read_response()
        except BaseException:
            # An answer that comes late must never meet another question.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)
        if not isinstance(found, bytes) or len(values) != len(keys):
            return None, values
        epoch = found.decode()
        return (epoch if epoch.startswith(f"{run_id_of(connection)}:") else None), values
