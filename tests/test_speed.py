"""The benchmark's own parts: its load is real, its ratios are fair, its page keeps its prose."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.speed import measuring, report
from benchmarks.speed.__main__ import GROUPS
from benchmarks.speed.load import Load, WrongAnswer, measure, request_bytes
from benchmarks.speed.measuring import Figures, One, in_turn
from benchmarks.speed.variants import BARE, Variant, bare, gatehouse, of_group

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong"


@asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve these bytes to each request, piece by piece; give the port and what was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def test_load_counts_each_answer_and_sends_each_token_in_turn() -> None:
    requests = [request_bytes("/ping", ["Authorization", f"Bearer {number}"]) for number in "ab"]

    async def run() -> tuple[Load, list[bytes]]:
        async with answering(ANSWER[:20], ANSWER[20:44], ANSWER[44:]) as (port, asked):
            return await measure(port, requests, 3, 0.2), asked

    load, asked = asyncio.run(run())
    assert load.requests == len(asked) > 10
    assert asked[:4] == requests * 2
    assert 0 < load.p50 <= load.p99 < 0.2 <= load.seconds
    assert load.rate == load.requests / load.seconds


@pytest.mark.parametrize(
    "answer", [ANSWER.replace(b"200 OK", b"401 Unauthorized"), b"HTTP/1.1 200 OK\r\n\r\n"], ids=str
)
def test_load_fails_at_one_wrong_answer(answer: bytes) -> None:
    async def run() -> None:
        async with answering(answer) as (port, _):
            await measure(port, [request_bytes("/ping", None)], 2, 0.2)

    with pytest.raises(WrongAnswer):
        asyncio.run(run())


def test_a_small_memory_meets_the_share_of_tokens_that_is_asked_for() -> None:
    requests = [bytes([number]) for number in range(64)]
    for hits in (0, 0.5, 1):
        order, memory, known = in_turn(requests, hits) * 20, dict[bytes, None](), 0
        for each in order:
            known += each in memory
            memory.pop(each, None)
            memory[each] = None
            if len(memory) > (32 if hits < 1 else 64):
                del memory[next(iter(memory))]
        assert known / len(order) == pytest.approx(hits, abs=0.06)


def test_a_ratio_is_taken_to_the_bare_route_before_and_after() -> None:
    figures = Figures(gatehouse("replica", "RS256"))
    for rate, before, after in ((90, 80, 120), (50, 100, 100), (95, 100, 100)):
        loads = [Load(each, 1, 0.001, 0.1 / each) for each in (rate, before, after)]
        one, first, last = (One(load, 1 / load.requests) for load in loads)
        figures.rates.append(one.load.rate)
        figures.p50.append(one.load.p50)
        figures.p99.append(one.load.p99)
        figures.cpu.append(one.cpu)
        measuring._compare(figures, one, first, last)
    assert figures.row()["ratio"] == 0.9  # the median of 0.9, 0.5 and 0.95


def test_variants_have_names_of_their_own_and_apps_that_exist() -> None:
    variants = [each for group in GROUPS for each in of_group(group)]
    assert len({each.name for each in variants}) == len(variants)
    for each in variants:
        module = each.app.partition(":")[0]
        assert (Path(report.__file__).parent / "apps" / f"{module}.py").exists()
    names = {each.name for each in variants}
    for algorithm in ("HS256", "RS256"):
        assert {f"gatehouse {each} {algorithm}" for each in ("none", "strict", "replica")} <= names


def test_the_report_names_every_figure_and_nothing_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, plot, figures = tmp_path / "page.md", tmp_path / "plot.svg", tmp_path / "r" / "b.json"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for name, path in (("PAGE", page), ("PLOT", plot), ("FIGURES", figures)):
        monkeypatch.setattr(report, name, path)
    measured = [with_rate(bare(), 100), with_rate(gatehouse("replica", "RS256"), 92)]
    measured.append(with_rate(bare(), 101))  # of another group
    report.write(measured, report.machine() | {"rounds": 1, "seconds": 1.0}, {}, docs=True)
    content = json.loads(figures.read_text())
    assert content["ratio_to_bare"] == {BARE: 1.0, "gatehouse replica RS256": 0.92}
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| **0.92** |" in text
    assert ">0.92<" in plot.read_text()
    assert plot.read_text().count("bare FastAPI<") == 1
    assert not re.search(r"/(home|root|tmp|work)\b|127\.0\.0\.1", figures.read_text() + text)


def test_the_page_of_the_documentation_takes_figures() -> None:
    assert "| new |" in report.with_figures(report.PAGE.read_text("utf-8"), "| new |")


def with_rate(variant: Variant, rate: float) -> Figures:
    """Return figures of one round."""
    ratio = [] if variant.name == BARE else [rate / 100]
    return Figures(variant, [rate], [0.001], [0.002], [0.0001], ratio, ratio[:], ratio[:])
