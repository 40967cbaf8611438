"""How long a refresh takes, on SQLite and on PostgreSQL, alone and eight at a time."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from benchmarks.sessions.client import address_of, open_connection, post_json, row
from benchmarks.sessions.deployment import Deployment, Held, deployed
from benchmarks.sessions.sizes import Sizes
from benchmarks.speed.stores import Bench

PARALLEL = (1, 8)  # sessions that refresh at the same time
OF_ONE_SESSION = 25  # in a row; more than 30 in five minutes would be reported as unusual
WARM = 8  # sessions that are refreshed before anything is measured


def measure_refreshes(bench: Bench, sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Yield a row for each database and number of sessions."""
    needed = -(-sizes.refreshes // OF_ONE_SESSION)
    sessions = WARM + len(PARALLEL) * max(needed, *PARALLEL)
    for database in ("PostgreSQL", "SQLite"):
        sqlite = database == "SQLite"
        with deployed(bench, sessions, sqlite=sqlite) as service:
            for each in uvloop.run(_measure(service, max(needed, *PARALLEL))):
                statements = " ".join(service.statements["refresh"])
                yield {"database": database, **each, "statements": statements}


async def _measure(service: Deployment, number: int) -> list[dict[str, Any]]:
    port, waiting = service.workers[0].port, list(enumerate(service.sessions))
    await refresh(port, waiting[:WARM], WARM)
    del waiting[:WARM]
    rows = []
    for parallel in PARALLEL:
        began = time.perf_counter()
        times = await refresh(port, waiting[:number], parallel)
        rate = len(times) / (time.perf_counter() - began)
        rows.append({"sessions": parallel, **row(times), "rate": round(rate)})
        del waiting[:number]
    return rows


async def refresh(port: int, sessions: list[tuple[int, Held]], parallel: int) -> list[float]:
    """Refresh sessions, each so many times in a row, and return how long each time took.

    Raises:
        WrongAnswer: one was not answered with new tokens.
    """
    waiting, times = iter(sessions), list[float]()

    async def keep_refreshing() -> None:
        async with open_connection(port) as connection:
            for number, held in waiting:
                token = held.refresh
                for _ in range(OF_ONE_SESSION):
                    request = post_json(
                        "/auth/refresh", {"refresh_token": token}, address_of(number)
                    )
                    answer = await connection.ask(request)
                    times.append(answer.seconds)
                    token = json.loads(answer.body)["refresh_token"]

    await asyncio.gather(*(keep_refreshing() for _ in range(parallel)))
    return times
