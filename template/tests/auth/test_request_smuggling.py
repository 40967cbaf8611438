# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Where a message ends has one meaning or none: two would be a request inside another (RFC 9112 6).

Over a socket and a real server, because a client library would never send any of this.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.headers import MAX_HEADER_BYTES
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
    "a bare CR in a header": ("X-Note: a\rContent-Length: 44\r\n", b""),
    "two codings": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n"),
    "a coding in disguise": ("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "a length in other digits": ("Content-Length: \xb2\r\n", b"{}"),
    "a header without a name": (": 2\r\n", b"{}"),
}
# Lines that end in LF alone: one parser reads them, another goes on to the next CR LF.
BARE = "POST /auth/logout HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 0\n\n"


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


async def test_lines_that_end_in_lf_alone_hide_no_second_request(worker: Workers) -> None:
    # Read as one whole request or refused; what lies behind is a request of its own, or unread.
    closing = HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    statuses = await answers(worker, BARE.encode() + closing)
    assert statuses in ([400], [], [401, 200]), statuses
    mixed = post("X-Note: a\nContent-Length: 44\r\n")
    assert (await answers(worker, mixed + HIDDEN))[:1] in ([400], [401], [])


async def test_an_absolute_target_is_no_way_around_the_host(worker: Workers) -> None:
    # Only its path counts here; whom the request is for is what Host says, and that is checked.
    foreign = b"GET http://attacker.example/livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    own = b"GET http://127.0.0.1/livez HTTP/1.1\r\nHost: attacker.example\r\n"
    end = b"Connection: close\r\n\r\n"
    assert await answers(worker, own + end) == [400]
    assert await answers(worker, foreign + end) == [200]


@pytest.mark.parametrize(
    "host", ["", "Host:\r\n", "Host: attacker.example\r\n", "Host: 127.0.0.1@attacker.example\r\n"]
)
async def test_a_request_without_our_host_is_refused(worker: Workers, host: str) -> None:
    message = f"GET /livez HTTP/1.1\r\n{host}Connection: close\r\n\r\n"
    assert await answers(worker, message.encode()) == [400]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("X-Filler: " + "x" * (MAX_HEADER_BYTES + 1) + "\r\n", 431),
        ("".join(f"X-Filler-{n}: {'x' * 512}\r\n" for n in range(MAX_HEADER_BYTES // 512)), 431),
        ("X-Filler: " + "x" * 8192 + "\r\n", 200),
    ],
    ids=["one of many bytes", "many of few bytes", "one that fits"],
)
async def test_headers_have_so_many_bytes_on_the_wire_too(
    worker: Workers, lines: str, status: int
) -> None:
    message = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Connection: close\r\n\r\n"
    assert await answers(worker, message.encode()) == [status]


async def test_a_method_or_version_that_nobody_knows_is_refused(worker: Workers) -> None:
    for line in ("GET /livez HTTP/9.9", "\0GET /livez HTTP/1.1", "GET\t/livez HTTP/1.1"):
        message = f"{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        statuses = await answers(worker, message.encode())
        assert statuses in ([400], [405], [505], []), (line, statuses)


async def test_a_client_cannot_name_its_address_to_a_real_server(worker: Workers) -> None:
    # The server itself believes no header either: else limits would count made-up addresses.
    names = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP")
    statuses = []
    for number in range(11):
        lies = dict.fromkeys(names, f"203.0.113.{number}")
        form = {"username": f"nobody-{number}@example.com", "password": "not-the-Password-1-ox"}
        response = await worker.client.post("/auth/token", data=form, headers=lies)
        statuses.append(response.status_code)
    assert statuses == [400] * 10 + [429]
