# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The scripts do in Redis what the simulation's Redis does: the proof is about the real thing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth.revocation import Denial
from app.auth.revocation_ledger import RedisLedger
from app.auth.revocation_terms import Entry, EpochLost, Standing
from app.core.redis import create_redis
from tests.auth.support.clock import START, MovableClock
from tests.auth.support.processes import Server
from tests.auth.support.simulated_ledger import Memory, SimulatedRedis

MINUTE = timedelta(minutes=1)
ids = st.integers(0, 3)
denials = st.builds(
    lambda kind, number, version: Denial(kind, str(UUID(int=number)), version, START + 15 * MINUTE),
    st.sampled_from(["sid", "sub"]),
    ids,
    st.integers(0, 3),
)
workers = st.sampled_from(["a", "b"])
some = st.lists(denials, min_size=1, max_size=3)
expelled = st.lists(st.tuples(workers, st.integers(1, 3)), max_size=2)
calls = st.one_of(
    st.tuples(st.just("open")),
    st.tuples(st.just("fill"), some),
    st.tuples(st.just("announce"), some),
    st.tuples(st.just("announce"), some),
    st.tuples(st.just("renew"), st.none() | workers, st.integers(0, 5), st.booleans(), expelled),
    st.tuples(st.just("renew_unknown")),
    st.tuples(st.just("read"), st.integers(0, 4)),
    st.tuples(st.just("look_up"), ids),
    st.tuples(st.sampled_from(["flush", "become_another", "lose_workers"])),
)


class Pair:
    """A real Redis and the simulated one, which are told the same.

    Args:
        ledger: the real one.
    """

    def __init__(self, ledger: RedisLedger) -> None:
        self.real: Any = ledger
        self.simulated = SimulatedRedis()
        self.epochs: dict[str, str] = {}  # the simulated one's names of the real one's
        self.known = ("none:0", "none:0")

    async def same(self, call: tuple[Any, ...]) -> None:
        """Make a call on both and demand that they answer alike."""
        name, *arguments = call
        make: Callable[..., Awaitable[None]] = getattr(self, name)
        await make(*arguments)

    async def open(self) -> None:
        """Open both, and know their epoch from now on."""
        real, simulated = await self.real.open(), self.simulated.open()
        self.known = (real.epoch, simulated.epoch)
        self.epochs[real.epoch] = simulated.epoch
        assert self.named(real) == simulated

    async def fill(self, some: list[Denial]) -> None:
        """Fill both in the known epoch."""
        await self.compare(
            self.real.fill(self.known[0], some), lambda: self.simulated.fill(self.known[1], some)
        )

    async def announce(self, some: list[Denial]) -> None:
        """Announce to both."""
        await self.compare(self.real.announce(some), lambda: self.simulated.announce(some))

    async def renew(
        self, worker: str | None, applied: int, settle: bool, expel: list[tuple[str, int]]
    ) -> None:
        """Renew in the known epoch."""
        rest: dict[str, Any] = {"settle": settle, "expel": expel}
        await self.compare(
            self.real.renew(self.known[0], worker, applied, **rest),
            lambda: self.simulated.renew(self.known[1], worker, applied, **rest),
        )

    async def renew_unknown(self) -> None:
        """Renew in an epoch that never was."""
        with pytest.raises(EpochLost):
            await self.real.renew("another:1", "a", 0, settle=False, expel=())

    async def read(self, after: int) -> None:
        """Read the log."""
        found = self.simulated.read(after)
        real = await self.real.read(self.known[0], after, 0.001)
        named = [replace(entry, epoch=self.epochs[entry.epoch]) for entry in real]
        assert list(map(told, named)) == list(map(told, found))

    async def look_up(self, number: int) -> None:
        """Ask what is denied."""
        keys = [f"{kind}:{UUID(int=number)}" for kind in ("sid", "sub")]
        epoch, values = await self.real.look_up(keys)
        assert (self.epochs[epoch] if epoch else None, list(values)) == self.simulated.look_up(keys)

    async def flush(self) -> None:
        """Empty both."""
        await self.real._client.flushdb()
        self.simulated.flush()

    async def become_another(self) -> None:
        """Let both hold what another server process left, as after a restart from a file."""
        client, (epoch, workers, _) = self.real._client, self.real._keys
        found = await client.get(epoch)
        if found:
            foreign = b"0" * 40 + b":" + found.partition(b":")[2]
            await client.set(epoch, foreign)
            await client.hset(workers, "epoch", foreign)
        self.simulated.restart(self.simulated.snapshot())

    async def lose_workers(self) -> None:
        """Lose one key of the real one: that is as good as all of them."""
        await self.real._client.delete(self.real._keys[1])
        self.simulated.restart(Memory(denied=self.simulated.memory.denied))

    async def compare(self, real: Awaitable[Any], simulated: Callable[[], Any]) -> None:
        """Demand that both answer alike or have lost the epoch."""
        try:
            expected = simulated()
        except EpochLost:
            with pytest.raises(EpochLost):
                await real
        else:
            answer = await real
            assert (self.named(answer) if isinstance(answer, Standing) else None) == expected

    def named(self, real: Standing) -> Standing:
        """Return what the real one answered, with the simulated one's name of the epoch."""
        return replace(real, epoch=self.epochs[real.epoch])


def told(entry: Entry) -> tuple[object, ...]:
    """Return what an entry says; each denial has an id of its own, which does not travel."""
    denial = entry.denial
    return entry.epoch, entry.number, denial.kind, denial.value, denial.version, denial.expires_at


@pytest.fixture
async def ledger(own_redis_server: Server) -> AsyncGenerator[RedisLedger]:
    """A ledger on a real Redis."""
    client = create_redis(own_redis_server.url)
    yield RedisLedger(client, "service", MovableClock())
    await client.aclose()


def test_the_scripts_do_what_the_simulation_does(own_redis_server: Server) -> None:
    @settings(
        max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(calls, min_size=4, max_size=20))
    def tell(story: list[tuple[Any, ...]]) -> None:
        asyncio.run(run(story))

    async def run(story: list[tuple[Any, ...]]) -> None:
        client = create_redis(own_redis_server.url, 2.0)
        await client.flushdb()
        pair = Pair(RedisLedger(client, "service", MovableClock()))
        await pair.open()
        for call in story:
            await pair.same(call)
        await client.aclose()

    tell()


async def test_the_log_is_trimmed_by_time(
    ledger: RedisLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.revocation_ledger.LOG_SECONDS", 1)
    await ledger.open()
    old = [Denial("sid", str(UUID(int=number)), 0, START + MINUTE) for number in range(40)]
    epoch = (await ledger.announce(old)).epoch
    await asyncio.sleep(2.1)
    for number in range(40):
        await ledger.announce([Denial("sid", str(UUID(int=number)), 0, START + MINUTE)])
    entries = await ledger.read(epoch, 0, 0.001)
    assert [entry.number for entry in entries] == list(range(41, 81))


async def test_a_reader_hears_of_an_entry_at_once(ledger: RedisLedger) -> None:
    epoch = (await ledger.open()).epoch
    reading = asyncio.create_task(ledger.read(epoch, 0, 0.2))
    await asyncio.sleep(0.02)
    await ledger.announce([Denial("sid", str(UUID(int=1)), 0, START + MINUTE)])
    (entry,) = await reading
    assert (entry.epoch, entry.number) == (epoch, 1)


async def test_an_entry_of_redis_lives_by_the_remaining_time(ledger: RedisLedger) -> None:
    await ledger.open()
    await ledger.announce([Denial("sid", str(UUID(int=1)), 0, START + MINUTE)])
    client = cast(Any, ledger)._client
    assert 55_000 < await client.pttl(f"service:deny:sid:{UUID(int=1)}") <= 60_000
