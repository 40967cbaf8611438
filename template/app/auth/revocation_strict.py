# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Look-ups in Redis, those of all requests that come while one is under way in one MGET.

Each answer is held against the server that gave it: a connection that was opened to a server of
before is no reason to believe the epoch of the one of now.
"""

from collections.abc import Sequence
from itertools import islice

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from app.core.batching import Batches
from app.core.redis import run_id_of

MAX_LOOK_UPS = 500  # in one MGET, which nothing else in Redis runs beside

Keys = Sequence[str]
Values = Sequence[bytes | None]


class LookUps:
    """Reads entries of the deny-list, and with them the epoch of the server that answered.

    Args:
        client: its connections know the server they lead to (`create_redis`).
        epoch_key: holds the epoch, which begins with the `run_id` of its server.
    """

    def __init__(self, client: Redis, epoch_key: str) -> None:
        self._client = client
        self._epoch_key = epoch_key
        self._batches = Batches(self._answer, MAX_LOOK_UPS)

    async def ask(self, keys: Keys) -> tuple[str | None, Values]:
        """Return the epoch, None when it is not of the server that answered, and the values.

        Raises:
            RedisError, OSError: Redis does not answer.
        """
        return await self._batches.ask(keys)

    async def _answer(self, asked: Sequence[Keys]) -> Sequence[tuple[str | None, Values]]:
        epoch, values = await self._mget([key for keys in asked for key in keys])
        found = iter(values)
        return [(epoch, list(islice(found, len(keys)))) for keys in asked]

    async def _mget(self, keys: Keys) -> tuple[str | None, Values]:
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
