"""A load generator: raw HTTP/1.1 over a bounded number of connections that are kept open.

Our own, because each request must carry the next of many tokens, and because it must count what is
not a 200 as a failure of the measurement. It runs in one process beside the server.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

STUCK_AFTER = 5  # seconds without an end after which a measurement is given up


class WrongAnswer(Exception):
    """The server answered something else than 200, or hung up."""


@dataclass(frozen=True)
class Load:
    """What one measurement saw.

    Attributes:
        requests: answered in the time.
        seconds: that it took.
        p50: seconds until half of the answers were complete.
        p99: of all but one in a hundred.
    """

    requests: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def request_bytes(path: str, header: Sequence[str] | None) -> bytes:
    """Return one request as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", "host: localhost", "accept: */*"]
    if header:
        lines.append(f"{header[0].lower()}: {header[1]}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last is answered, until the time is over."""

    def __init__(self, requests: Iterator[bytes], until: float, times: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests, self._until, self._times = requests, until, times
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = self._buffer.find(b"content-length: ", 0, head)
        if length < 0 or not self._buffer.startswith(b"HTTP/1.1 200 "):
            self._fail(self._buffer[:200].decode("latin-1"))
            return
        end = head + 4 + int(self._buffer[length + 16 : self._buffer.find(b"\r", length)])
        if len(self._buffer) >= end:
            now = time.perf_counter()
            self._times.append(now - self._sent_at)
            self._buffer = b""
            if now < self._until:
                self._send()
            else:
                self._end()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail, unless it was the end."""
        self._fail(f"the connection was lost: {error}")

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        self._transport.close()

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(WrongAnswer(reason))
        self._transport.close()


async def measure(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Load a server for some seconds.

    Args:
        port: where it listens, on the loopback interface.
        requests: sent in turn, over and over, whichever connection is free.
        connections: open at once.
        seconds: for which requests are begun.

    Raises:
        WrongAnswer: one answer was not 200, or none came.
    """
    turn, times = itertools.cycle(requests), list[float]()
    loop, began = asyncio.get_running_loop(), time.perf_counter()
    made = [
        loop.create_connection(lambda: _Connection(turn, began + seconds, times), "127.0.0.1", port)
        for _ in range(connections)
    ]
    opened = [protocol for _, protocol in await asyncio.gather(*made)]
    try:
        async with asyncio.timeout(seconds + STUCK_AFTER):
            await asyncio.gather(*(each.done for each in opened))
    except TimeoutError as error:
        raise WrongAnswer("no answer") from error
    took = time.perf_counter() - began
    times.sort()
    return Load(len(times), took, times[len(times) // 2], times[int(len(times) * 0.99)])
