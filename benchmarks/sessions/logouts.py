"""How long a logout takes: alone, beside workers that have no time, and beside a stopped one."""

import asyncio
import math
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from benchmarks.sessions.client import (
    Connection,
    address_of,
    open_connection,
    percentile,
    post_json,
    row,
)
from benchmarks.sessions.deployment import METRICS_TOKEN, Deployment, Held, deployed
from benchmarks.sessions.sizes import Sizes
from benchmarks.speed.load import Load, measure, request_bytes
from benchmarks.speed.servers import Running
from benchmarks.speed.stores import Bench

WORKERS, CONNECTIONS = 2, 32  # of the load, over both workers
BEARERS = 64  # tokens of the load
WARM = 20  # logouts that are not measured
SETTLED = 1.0  # seconds; the first logout after a start waits for leases of before it
LOAD_BEGINS, LOAD_ENDS = 0.5, 0.3  # seconds that are not measured
LEASE = b"auth_deny_list_lease 1.0"
LEASED_AFTER = 30.0  # seconds until a worker must have a lease again


class Logouts:
    """Sessions that are ended one after the other.

    Args:
        sessions: to be ended.
    """

    def __init__(self, sessions: list[Held]) -> None:
        self._sessions = enumerate(sessions)

    async def one(self, by: Connection, ask: Running) -> tuple[float, bytes]:
        """End a session and see that a worker refuses it at once.

        Args:
            by: leads to the worker that ends it.
            ask: the worker that is asked.

        Returns:
            The seconds that the logout took, and the request that must be refused from now on.

        Raises:
            WrongAnswer: the token was not accepted before, or was accepted after.
        """
        number, held = next(self._sessions)
        seen = bearer_request(held)
        await answers(ask, seen, 200)
        body = {"refresh_token": held.refresh}
        request = post_json("/auth/logout", body, address_of(number))
        seconds = (await by.ask(request, [204])).seconds
        await answers(ask, seen, 401)
        return seconds, seen

    async def several(
        self, workers: Sequence[Running], most: int, until: float = math.inf
    ) -> list[float]:
        """End sessions on one worker after the other, and ask the next.

        Args:
            workers: of the service.
            most: how many sessions.
            until: the time after which no other is begun.
        """
        times = list[float]()
        async with AsyncExitStack() as stack:
            opened = [
                await stack.enter_async_context(open_connection(each.port)) for each in workers
            ]
            while len(times) < most and time.perf_counter() < until:
                turn = len(times) % len(workers)
                asked = workers[(turn + 1) % len(workers)]
                times.append((await self.one(opened[turn], asked))[0])
        return times


async def answers(worker: Running, request: bytes, status: int) -> None:
    """Ask over a fresh connection, and fail at another status."""
    async with open_connection(worker.port) as connection:
        await connection.ask(request, [status])


def bearer_request(held: Held) -> bytes:
    """Return a request of the guarded route."""
    return request_bytes("/ping", ("authorization", f"Bearer {held.access}"))


def measure_logouts(bench: Bench, sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Yield a row for each way to check and each state of the workers."""
    wanted = BEARERS + 2 * sizes.logouts + WARM + 20 + 3 * sizes.stops
    for check in ("replica", "strict"):
        with deployed(bench, wanted, check=check, workers=WORKERS) as service:
            for each in uvloop.run(_measure(service, check, sizes)):
                statements = " ".join(service.statements["logout"])
                yield {"check": check, **each, "statements": statements}


async def _measure(service: Deployment, check: str, sizes: Sizes) -> list[dict[str, Any]]:
    workers, logouts = service.workers, Logouts(service.sessions[BEARERS:])
    while max(await logouts.several(workers, 1)) > SETTLED:
        pass
    if check == "replica":
        await _leased(*workers)
    await logouts.several(workers, WARM)
    idle = await logouts.several(workers, sizes.logouts)
    return [
        {"workers": "idle", **row(idle)},
        {"workers": "saturated", **await _saturated(service, logouts, sizes)},
        {"workers": "one stopped", **await _stopped(workers, logouts, check, sizes)},
    ]


async def _saturated(service: Deployment, logouts: Logouts, sizes: Sizes) -> dict[str, Any]:
    """Log out while a process of its own keeps both workers busy."""
    requests = [bearer_request(each) for each in service.sessions[:BEARERS]]
    ports = [each.port for each in service.workers]
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1) as pool:
        await loop.run_in_executor(pool, load, [], [], 0, 0.0)  # the process has started
        before = sum(each.cpu_seconds() for each in service.workers)
        loading = loop.run_in_executor(
            pool, load, ports, requests, CONNECTIONS // WORKERS, sizes.load_seconds
        )
        ends = time.perf_counter() + sizes.load_seconds - LOAD_ENDS
        await asyncio.sleep(LOAD_BEGINS)
        times = await logouts.several(service.workers, sizes.logouts, ends)
        loads = await loading
        used = sum(each.cpu_seconds() for each in service.workers) - before
    return {
        **row(times),
        "rate_of_load": round(sum(each.rate for each in loads)),
        "p50_of_load_ms": round(max(each.p50 for each in loads) * 1e3, 2),
        "processors_of_workers": round(used / sizes.load_seconds, 2),
    }


def load(ports: list[int], requests: list[bytes], connections: int, seconds: float) -> list[Load]:
    """Load several servers at once, in a process of its own."""

    async def all_at_once() -> list[Load]:
        asked = (measure(port, requests, connections, seconds) for port in ports)
        return await asyncio.gather(*asked)

    return uvloop.run(all_at_once())


async def _stopped(
    workers: list[Running], logouts: Logouts, check: str, sizes: Sizes
) -> dict[str, Any]:
    """Log out while a worker is frozen, then wake it and ask it."""
    frozen, other = workers
    first, second = list[float](), list[float]()
    for _ in range(sizes.stops):
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            async with open_connection(other.port) as connection:
                ended = [await logouts.one(connection, other) for _ in range(2)]
            # These wait in the socket until the worker wakes, with a lease that has run out.
            asked = [asyncio.create_task(answers(frozen, request, 401)) for _, request in ended]
            await asyncio.sleep(0.2)
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        await asyncio.gather(*asked)
        first.append(ended[0][0])
        second.append(ended[1][0])
        if check == "replica":
            await _leased(frozen)
    return {**row(first), "next_ms": round(percentile(second, 0.5) * 1e3, 2)}


async def _leased(*workers: Running) -> None:
    """Wait until these workers answer from their own copies."""
    asked = request_bytes("/metrics", ("authorization", f"Bearer {METRICS_TOKEN}"))
    for worker in workers:
        async with asyncio.timeout(LEASED_AFTER), open_connection(worker.port) as connection:
            while LEASE not in (await connection.ask(asked)).body:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
