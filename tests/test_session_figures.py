"""The parts of `make bench-sessions`: percentiles are right, a wrong answer ends a measurement."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any, cast

import pytest

from benchmarks.sessions import report
from benchmarks.sessions.client import (
    address_of,
    ask_at_rate,
    open_connection,
    percentile,
    post_form,
    post_json,
    row,
)
from benchmarks.sessions.deployment import Held
from benchmarks.sessions.logins import Flood, Round, flood, summary
from benchmarks.sessions.logouts import Logouts, load
from benchmarks.sessions.refreshes import OF_ONE_SESSION, refresh
from benchmarks.speed.load import WrongAnswer, request_bytes
from benchmarks.speed.report import PAGE, machine, with_figures
from benchmarks.speed.servers import Running

PING = request_bytes("/ping", None)
HELD = Held("user@example.com", "password", "access", "refresh-0")
TIMES = {"n": 400, "p50_ms": 4.0, "p99_ms": 8.0, "max_ms": 9.0}


def reply(status: int, body: bytes = b"") -> bytes:
    """Return an answer as it comes over the wire."""
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


@asynccontextmanager
async def serving(answer: Callable[[bytes], bytes], stall: float = 0) -> AsyncIterator[int]:
    """Serve what a function answers to a request's head and body; give the port.

    Args:
        answer: makes the answer; empty: the server hangs up.
        stall: seconds that the third request takes.
    """
    numbers, writers = itertools.count(1), list[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.partition(b"content-length: ")[2].partition(b"\r")[0]
                body = await reader.readexactly(int(length or b"0"))
                await asyncio.sleep(stall if next(numbers) == 3 else 0)
                answered = answer(head + body)
                writer.write(answered)
                if not answered:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def worker_at(port: int) -> Running:
    """Return a worker of which only the port is known."""
    return Running(cast("Popen[bytes]", None), port, [])


def test_a_percentile_is_the_smallest_time_that_so_many_do_not_exceed() -> None:
    hundred = [number / 1000 for number in range(100, 0, -1)]
    assert [percentile(hundred, share) for share in (0.5, 0.99, 1)] == [0.05, 0.099, 0.1]
    assert percentile([*hundred, 5.0], 0.99) == 0.1
    assert percentile([0.25], 0.99) == percentile([0.25], 0.01) == 0.25
    assert row(hundred) == {"n": 100, "p50_ms": 50, "p99_ms": 99, "max_ms": 100}


def test_every_client_has_an_address_of_its_own() -> None:
    assert len({address_of(number) for number in range(5_000)}) == 5_000


def test_an_answer_is_read_whole_and_a_logout_has_no_body() -> None:
    async def run() -> None:
        async with (
            serving(lambda asked: reply(200, asked[-4:])) as port,
            open_connection(port) as connection,
        ):
            answer = await connection.ask(post_json("/x", {"a": "b"}, "198.18.0.1"))
            assert (answer.status, answer.body) == (200, b'"b"}')
            assert 0 < answer.seconds < 5
        async with (
            serving(lambda _: b"HTTP/1.1 204 X\r\n\r\n") as port,
            open_connection(port) as connection,
        ):
            assert (await connection.ask(PING, [204])).body == b""

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [reply(401), reply(429), reply(503), b"", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["401", "429", "503", "hangs up", "without a length"],
)
def test_a_wrong_answer_ends_a_measurement(answer: bytes) -> None:
    async def run() -> None:
        async with serving(lambda _: answer) as port, open_connection(port) as connection:
            await connection.ask(PING)

    with pytest.raises(WrongAnswer):
        asyncio.run(run())


def test_a_rate_does_not_yield_and_a_stall_counts_for_all_who_would_have_come() -> None:
    async def run() -> list[float]:
        async with (
            serving(lambda _: reply(200), stall=0.4) as port,
            open_connection(port) as connection,
        ):
            return await ask_at_rate([connection], itertools.repeat(PING), 100, 1.0)

    times = asyncio.run(run())
    assert len(times) == 100
    assert sum(time > 0.1 for time in times) > 20


@pytest.mark.parametrize("still_accepted", [False, True])
def test_a_logout_counts_only_when_the_token_was_accepted_before_and_is_refused_after(
    still_accepted: bool,
) -> None:
    ended: list[bytes] = []

    def answer(asked: bytes) -> bytes:
        if asked.startswith(b"POST"):
            ended.append(asked)
            return reply(204)
        return reply(401 if ended and not still_accepted else 200)

    async def run() -> list[float]:
        async with serving(answer) as port:
            return await Logouts([HELD]).several([worker_at(port)] * 2, 1)

    if still_accepted:
        with pytest.raises(WrongAnswer):
            asyncio.run(run())
    else:
        assert len(asyncio.run(run())) == 1
        assert ended[0].startswith(b"POST /auth/logout ")
        assert ended[0].endswith(b'{"refresh_token": "refresh-0"}')


def test_workers_are_loaded_at_the_same_time() -> None:
    async def run() -> list[float]:
        # The load generator reads names of headers as uvicorn writes them.
        answer = reply(200).replace(b"Content-Length", b"content-length")
        async with serving(lambda _: answer) as one, serving(lambda _: answer) as other:
            loads = await asyncio.to_thread(load, [one, other], [PING], 2, 0.3)
            return [each.seconds for each in loads if each.requests > 10]

    assert len(seconds := asyncio.run(run())) == 2
    assert max(seconds) < 0.6


def test_a_flood_counts_answers_by_status_and_times_those_that_were_accepted() -> None:
    statuses = itertools.cycle([200, 503, 429, 200])
    forms = [post_form("/auth/token", {"username": name}, "198.18.0.1") for name in "ab"]

    async def run() -> Flood:
        async with serving(lambda _: reply(next(statuses))) as port:
            return await asyncio.to_thread(flood, port, forms, 0.2)

    seen = asyncio.run(run())
    assert set(seen.statuses) == {200, 429, 503}
    assert len(seen.times) == seen.statuses[200] > 0
    statuses = itertools.cycle([200, 500])
    with pytest.raises(WrongAnswer, match="500"):
        asyncio.run(run())


def test_a_ratio_is_taken_to_the_quiet_stretches_before_and_after() -> None:
    rounds = [
        Round([0.001] * 9, [during] * 9, [0.003] * 9, Flood(Counter({200: 5}), [0.1] * 5), grown)
        for during, grown in ((0.004, 10), (0.003, 30), (0.2, 20))
    ]
    found = summary(rounds, 10)
    assert found["p99_ratio"] == found["p50_ratio"] == 2.0  # the median of 2, 1.5 and 100
    assert found["memory_grown_mib"] == 30
    assert found["statuses"] == {"200": 15}
    assert found["logins_a_second"] == 0.5
    assert found["flooded"]["n"] == 27


def test_refreshes_present_what_the_refresh_before_gave() -> None:
    presented: list[str] = []

    def answer(asked: bytes) -> bytes:
        presented.append(json.loads(asked.partition(b"\r\n\r\n")[2])["refresh_token"])
        return reply(200, json.dumps({"refresh_token": f"{presented[-1]}+"}).encode())

    async def run() -> list[float]:
        async with serving(answer) as port:
            return await refresh(port, [(1, HELD)], 2)

    assert len(asyncio.run(run())) == OF_ONE_SESSION
    expected = [HELD.refresh + "+" * number for number in range(OF_ONE_SESSION)]
    assert presented == expected


def measured(**flood: Any) -> tuple[list[report.Row], report.Row, list[report.Row]]:
    """Return figures as a run makes them."""
    logouts: list[report.Row] = [
        {"check": check, "workers": workers, **TIMES, "statements": "SQL"}
        for check in ("replica", "strict")
        for workers in report.LOGOUT_AIMS
    ]
    logins: report.Row = {
        **dict.fromkeys(("quiet", "flooded", "logins"), TIMES),
        "p50_ratio": 1.1,
        "p99_ratio": 1.4,
        "memory_grown_mib": 21.5,
        "statuses": {"200": 30, "503": 2},
        "logins_a_second": 30.1,
        **flood,
    }
    refreshes: list[report.Row] = [
        {"database": "SQLite", "sessions": 8, **TIMES, "rate": 210, "statements": "SQL"}
    ]
    return logouts, logins, refreshes


def test_an_aim_that_is_missed_is_said_with_its_figure() -> None:
    logouts, logins, _ = measured()
    assert report.missed(logouts, logins) == []
    logouts[1] = {**logouts[1], "p99_ms": 100.5}
    logins = {**logins, "p99_ratio": 1.51, "memory_grown_mib": 151.0}
    assert report.missed(logouts, logins) == [
        "logout, replica, saturated: p99 100.5 ms",
        "logins: p99 of another route 1.51 times its own",
        "logins: 151.0 MiB",
    ]


def test_the_figures_reach_json_and_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "reports" / "sessions.json"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "FIGURES", figures)
    logouts, logins, refreshes = measured()
    report.write(logouts, logins, refreshes, machine(), docs=False)
    assert "old" in page.read_text()
    report.write(logouts, logins, refreshes, machine(), docs=True)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    for cell in (
        "| `strict` | saturated | 400 | 4.00 | 8.00 | 9.00 | 100 | SQL |",
        "30 of 200, 2 of 503",
    ):
        assert cell in text
    assert json.loads(figures.read_text())["refresh"][0]["rate"] == 210


def test_the_page_of_the_documentation_takes_the_figures_of_sessions() -> None:
    page = with_figures(PAGE.read_text("utf-8"), "| new |", report.BEGIN, report.END)
    assert "| new |" in page
