"""What forty logins at once do to a route that needs no password, and to the server's memory."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import uvloop

from benchmarks.sessions.client import (
    address_of,
    ask_at_rate,
    open_connection,
    percentile,
    post_form,
    row,
)
from benchmarks.sessions.deployment import Deployment, deployed, forget_peak, memory_mib
from benchmarks.sessions.logouts import bearer_request
from benchmarks.sessions.sizes import Sizes
from benchmarks.speed.stores import Bench

LOGINS = 40  # at once
CONNECTIONS, RATE = 4, 200.0  # of the other route; requests a second
RIGHT = (200, 429, 503)  # answers to a login: accepted, too many of them, no room in the queue


@dataclass
class Flood:
    """What the clients of a flood saw: answers by status, seconds of those that were accepted."""

    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Round:
    """A flood with a quiet stretch before and after it."""

    before: list[float]
    during: list[float]
    after: list[float]
    flood: Flood
    grown: float  # MiB, at the most

    def ratio(self, share: float) -> float:
        """Return a percentile during the flood to the mean of the two quiet ones."""
        quiet = (percentile(self.before, share) + percentile(self.after, share)) / 2
        return percentile(self.during, share) / quiet


def measure_logins(bench: Bench, sizes: Sizes) -> dict[str, Any]:
    """Return what the floods did, as medians over them."""
    rounds = []
    for _ in range(sizes.floods):  # each with a service of its own, whose limits are unused
        with deployed(bench, LOGINS) as service:
            rounds.append(uvloop.run(_round(service, sizes.flood_seconds)))
    return summary(rounds, sizes.flood_seconds)


def summary(rounds: Sequence[Round], seconds: float) -> dict[str, Any]:
    """Return the figures of all rounds."""
    statuses: Counter[int] = sum((each.flood.statuses for each in rounds), Counter())
    return {
        "quiet": row([time for each in rounds for time in (*each.before, *each.after)]),
        "flooded": row([time for each in rounds for time in each.during]),
        "p50_ratio": round(median(each.ratio(0.5) for each in rounds), 2),
        "p99_ratio": round(median(each.ratio(0.99) for each in rounds), 2),
        "p99_ratios": [round(each.ratio(0.99), 2) for each in rounds],
        "memory_grown_mib": round(max(each.grown for each in rounds), 1),
        "statuses": {str(status): number for status, number in sorted(statuses.items())},
        "logins": row([time for each in rounds for time in each.flood.times]),
        "logins_a_second": round(statuses[200] / (seconds * len(rounds)), 1),
    }


async def _round(service: Deployment, seconds: float) -> Round:
    [server] = service.workers
    requests = itertools.cycle([bearer_request(each) for each in service.sessions])
    forms = [
        post_form(
            "/auth/token", {"username": each.email, "password": each.password}, address_of(number)
        )
        for number, each in enumerate(service.sessions)
    ]
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_connection(server.port))
            for _ in range(CONNECTIONS)
        ]
        pool = stack.enter_context(ProcessPoolExecutor(1))
        held = memory_mib(server)  # before it has compared a password
        forget_peak(server)
        await loop.run_in_executor(pool, flood, server.port, forms[:1], 0.1)  # warm, and started
        await ask_at_rate(opened, requests, RATE, 0.5)
        before = await ask_at_rate(opened, requests, RATE, seconds)
        flooding = loop.run_in_executor(pool, flood, server.port, forms, seconds)
        during = await ask_at_rate(opened, requests, RATE, seconds)
        flooded = await flooding
        grown = memory_mib(server, "VmHWM") - held
        after = await ask_at_rate(opened, requests, RATE, seconds)
    return Round(before, during, after, flooded, grown)


def flood(port: int, forms: list[bytes], seconds: float) -> Flood:
    """Log in for some seconds, each client over and over, in a process of its own."""
    seen = Flood()

    async def keep_logging_in(form: bytes, until: float) -> None:
        async with open_connection(port) as connection:
            while time.perf_counter() < until:
                answer = await connection.ask(form, RIGHT)
                seen.statuses[answer.status] += 1
                if answer.status == 200:
                    seen.times.append(answer.seconds)

    async def all_at_once() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(keep_logging_in(each, until) for each in forms))

    uvloop.run(all_at_once())
    return seen
