# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Where a message ends has one meaning or none: two would be a request inside another (RFC 9112 6).

Over a socket and a real server, because a client library would never send any of this.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.auth.support.kit import Kit
from tests.auth.support.workers import LOOPBACK, Workers, running_workers

pytestmark = pytest.mark.slow

LINES = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
HIDDEN = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
PATIENCE = 5  # seconds for an answer to a message that is whole


@pytest.fixture(scope="module")
async def worker(
    sqlite_kit: Kit, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workers]:
    """One process of the service."""
    values = await sqlite_kit.settings_values()
    async with running_workers(values, 1, tmp_path_factory.mktemp("worker")) as workers:
        yield workers


async def answers(worker: Workers, message: bytes) -> list[int]:
    """Send bytes and return the statuses of all that comes back until the connection is closed."""
    port = int(worker.servers[0].url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(message)
    received = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while chunk := await reader.read(65536):
                received += chunk
    except (TimeoutError, ConnectionResetError):
        pass  # kept open, or cut off: what came before counts
    writer.close()
    starts = received.split(b"HTTP/1.1 ")[1:]
    return [int(start[:3]) for start in starts]


def post(headers: str, body: bytes = b"") -> bytes:
    """Return a request that logs out nobody, with these lines about its length."""
    return f"POST /auth/logout HTTP/1.1\r\n{LINES}{headers}\r\n".encode("latin-1") + body


AMBIGUOUS = {
    "length and chunks": ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunks and length": ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n"),
    "two lengths": ("Content-Length: 0\r\nContent-Length: 44\r\n", b""),
    "a list of lengths": ("Content-Length: 0, 44\r\n", b""),
    "a signed length": ("Content-Length: +2\r\n", b"{}"),
    "a hexadecimal length": ("Content-Length: 0x2\r\n", b"{}"),
    "a chunk of no size": ("Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
    "chunks that are not last": ("Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "a space before the colon": ("Content-Length : 2\r\n", b"{}"),
    "a folded header": ("X-Note: a\r\n Content-Length: 44\r\n", b""),
    "a NUL in a header": ("X-Note: a\0b\r\n", b""),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_a_message_of_ambiguous_length_hides_no_second_request(
    worker: Workers, name: str
) -> None:
    headers, body = AMBIGUOUS[name]
    statuses = await answers(worker, post(headers, body) + HIDDEN)
    assert statuses[:1] in ([400], []), statuses
    assert 200 not in statuses


async def test_two_whole_requests_are_two(worker: Workers) -> None:
    # The control: what was hidden above would have been answered.
    closing = HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert await answers(worker, HIDDEN + closing) == [200, 200]


@pytest.mark.parametrize("line", ["Host: 127.0.0.1\r\n", "Authorization: Bearer a\r\n" * 2])
async def test_a_header_that_must_be_single_is_refused_on_the_wire(
    worker: Workers, line: str
) -> None:
    message = f"GET /livez HTTP/1.1\r\nConnection: close\r\n{LINES}{line}\r\n"
    assert await answers(worker, message.encode()) == [400]
