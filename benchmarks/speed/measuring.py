"""Rounds of measurements, interleaved with the bare route: a drifting machine shows in none.

A figure is the median over the rounds of its ratio to the bare route just before and just after.
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.speed.load import Load, WrongAnswer, measure, request_bytes
from benchmarks.speed.servers import Running, start, stop
from benchmarks.speed.stores import Bench
from benchmarks.speed.variants import Variant, bare

BETWEEN_BASELINES = 4  # variants


@dataclass
class Figures:
    """What the rounds saw of one variant; lists have an entry a round."""

    variant: Variant
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    p99_ratios: list[float] = field(default_factory=list)
    cpu_ratios: list[float] = field(default_factory=list)

    def row(self) -> dict[str, float]:
        """Return the medians: requests a second, milliseconds, microseconds, ratios to bare."""
        return {
            "rate": round(median(self.rates)),
            "p50_ms": round(median(self.p50) * 1e3, 2),
            "p99_ms": round(median(self.p99) * 1e3, 2),
            "cpu_us": round(median(self.cpu) * 1e6, 1),
            "ratio": round(median(self.ratios), 3) if self.ratios else 1.0,
            "p99_ratio": round(median(self.p99_ratios), 2) if self.p99_ratios else 1.0,
            "cpu_ratio": round(median(self.cpu_ratios), 3) if self.cpu_ratios else 1.0,
        }


@dataclass(frozen=True)
class One:
    """One measurement."""

    load: Load
    cpu: float  # seconds a request


class Session:
    """The servers of one group of variants, and what was measured of them.

    Args:
        bench: where they run.
        keys: what signs and what verifies, by algorithm, for the plain JWT routes.
        seconds: one measurement takes.
    """

    def __init__(self, bench: Bench, keys: dict[str, tuple[str, str]], seconds: float) -> None:
        self._bench, self._keys, self._seconds = bench, keys, seconds
        self._running: dict[tuple[object, ...], Running] = {}
        self.failed: dict[str, str] = {}

    def measure_group(self, variants: Sequence[Variant], rounds: int) -> Iterator[Figures]:
        """Start the servers of a group, measure in rounds, and yield the figures of each."""
        baselines = {
            each.baseline: bare(each.connections, each.workers, logs=each.logs) for each in variants
        }
        with ExitStack() as running:
            if not all(self._start(each, running) for each in baselines.values()):
                return  # there is nothing to compare with
            compared = [each for each in variants if self._start(each, running)]
            started = [*baselines.values(), *compared]
            figures = {each.name: Figures(each) for each in started}
            for number in range(rounds):
                print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
                self._round(compared, baselines, figures)
            yield from (each for each in figures.values() if each.rates)

    def _start(self, variant: Variant, running: ExitStack) -> bool:
        print(f"  starting {variant.name}", file=sys.stderr, flush=True)
        try:
            if variant.server not in self._running:
                algorithm = variant.environment.get("BENCH_ALGORITHM", "HS256")
                server = start(self._bench, variant, self._keys[algorithm])
                self._running[variant.server] = server
                running.callback(self._stop, variant.server)
            self._ask(variant, min(self._seconds, 0.5))  # warm
        except (OSError, RuntimeError, WrongAnswer) as error:
            self._fail(variant, error)
            return False
        return True

    def _stop(self, server: tuple[object, ...]) -> None:
        stop(self._running.pop(server))

    def _round(
        self,
        variants: Sequence[Variant],
        baselines: dict[str, Variant],
        figures: dict[str, Figures],
    ) -> None:
        by_baseline: dict[str, list[Variant]] = defaultdict(list)
        for variant in variants:
            if variant.name not in self.failed:
                by_baseline[variant.baseline].append(variant)
        for name, compared in by_baseline.items():
            before = self._record(baselines[name], figures)
            for first in range(0, len(compared), BETWEEN_BASELINES):
                some = compared[first : first + BETWEEN_BASELINES]
                seen = [(each, self._record(each, figures)) for each in some]
                after = self._record(baselines[name], figures)
                for each, one in seen:
                    if one and before and after:
                        _compare(figures[each.name], one, before, after)
                before = after

    def _record(self, variant: Variant, figures: dict[str, Figures]) -> One | None:
        try:
            one = self._ask(variant, self._seconds)
        except (OSError, WrongAnswer) as error:
            self._fail(variant, error)
            return None
        own = figures[variant.name]
        own.rates.append(one.load.rate)
        own.p50.append(one.load.p50)
        own.p99.append(one.load.p99)
        own.cpu.append(one.cpu)
        return one

    def _ask(self, variant: Variant, seconds: float) -> One:
        server = self._running[variant.server]
        requests = [request_bytes("/ping", header) for header in server.headers]
        before = server.cpu_seconds()
        load = asyncio.run(
            measure(
                server.port,
                in_turn(requests or [request_bytes("/ping", None)], variant.hits),
                variant.connections,
                seconds,
            )
        )
        return One(load, (server.cpu_seconds() - before) / load.requests)

    def _fail(self, variant: Variant, error: Exception) -> None:
        self.failed[variant.name] = str(error).strip().splitlines()[-1][:200]
        print(f"  {variant.name} failed: {self.failed[variant.name]}", file=sys.stderr, flush=True)


def in_turn(requests: Sequence[bytes], hits: float) -> list[bytes]:
    """Return requests in such an order that a small memory knows this share of their tokens."""
    if hits not in (0, 0.5, 1):
        raise ValueError("the share of remembered tokens is 0, a half or 1")
    if hits != 0.5:
        return list(requests)
    kept, *others = requests
    return [each for other in others for each in (kept, other)]


def _compare(figures: Figures, one: One, before: One, after: One) -> None:
    figures.ratios.append(one.load.rate * 2 / (before.load.rate + after.load.rate))
    figures.p99_ratios.append(one.load.p99 * 2 / (before.load.p99 + after.load.p99))
    figures.cpu_ratios.append((before.cpu + after.cpu) / 2 / one.cpu if one.cpu else 0.0)
