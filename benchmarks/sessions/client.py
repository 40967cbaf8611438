"""A client that counts: raw HTTP/1.1 over one connection, one question at a time.

Beside `benchmarks/speed/load.py`, which asks one thing as fast as it can, this one sends bodies,
reads answers, and may keep to a rate.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.speed.load import WrongAnswer

STUCK_AFTER = 30  # seconds without an answer after which a measurement is given up


@dataclass(frozen=True)
class Answer:
    """What came back, and how many seconds after the question was sent it was complete."""

    status: int
    body: bytes
    seconds: float


class Connection:
    """An open connection; `open_connection` makes one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, request: bytes, expected: Collection[int] = (200,)) -> Answer:
        """Send a request and return the answer.

        Args:
            request: as it goes over the wire.
            expected: the statuses that are right.

        Raises:
            WrongAnswer: it has another status, does not come, or says not how long it is.
        """
        sent = time.perf_counter()
        self._writer.write(request)
        try:
            async with asyncio.timeout(STUCK_AFTER):
                status, body = await self._read()
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            raise WrongAnswer(f"no answer: {type(error).__name__}") from error
        if status not in expected:
            raise WrongAnswer(f"{status}: {body[:200].decode('latin-1')}")
        return Answer(status, body, time.perf_counter() - sent)

    async def _read(self) -> tuple[int, bytes]:
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status = int(first.split(b" ")[1])
        headers = dict(line.lower().partition(b":")[::2] for line in lines)
        length = headers.get(b"content-length", b"0" if status == 204 else b"").strip()
        if not length.isdigit():
            raise WrongAnswer(f"{status} without its length")
        return status, await self._reader.readexactly(int(length))


@asynccontextmanager
async def open_connection(port: int) -> AsyncIterator[Connection]:
    """Open a connection to a server on the loopback interface."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def address_of(number: int) -> str:
    """Return an address of a client of its own: 198.18.0.0/15 is for benchmarks (RFC 2544)."""
    return f"198.18.{number // 250 % 250}.{number % 250 + 1}"


def post_json(path: str, body: Mapping[str, str], address: str) -> bytes:
    """Return a POST of JSON."""
    return _post(path, json.dumps(body), "application/json", address)


def post_form(path: str, body: Mapping[str, str], address: str) -> bytes:
    """Return a POST of a form."""
    return _post(path, urlencode(body), "application/x-www-form-urlencoded", address)


def _post(path: str, body: str, kind: str, address: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "host: localhost",
        f"x-forwarded-for: {address}",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def ask_at_rate(
    connections: Sequence[Connection], requests: Iterator[bytes], rate: float, seconds: float
) -> list[float]:
    """Ask for some seconds at a rate that does not yield to a slow server.

    Args:
        connections: take turns.
        requests: what is asked.
        rate: requests a second, over all of them.
        seconds: how long.

    Returns:
        Seconds until each answer was complete, from when its turn had come if the connection was
        still waiting for the answer before: a stall counts for all who would have come meanwhile.
    """
    began, times = time.perf_counter(), list[float]()

    async def keep(number: int, connection: Connection) -> None:
        for turn in range(number, round(rate * seconds), len(connections)):
            late = time.perf_counter() - (began + turn / rate)
            if late < 0:
                await asyncio.sleep(-late)
                late = 0.0  # a timer that fires late is no fault of the server
            times.append(late + (await connection.ask(next(requests))).seconds)

    await asyncio.gather(*(keep(*each) for each in enumerate(connections)))
    return times


def percentile(times: Sequence[float], share: float) -> float:
    """Return the smallest time that so large a share of all does not exceed (nearest rank)."""
    return sorted(times)[max(1, math.ceil(share * len(times))) - 1]


def row(times: Sequence[float]) -> dict[str, float]:
    """Return number and percentiles, in milliseconds."""
    return {
        "n": len(times),
        "p50_ms": round(percentile(times, 0.5) * 1e3, 2),
        "p99_ms": round(percentile(times, 0.99) * 1e3, 2),
        "max_ms": round(max(times) * 1e3, 2),
    }
