# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Redis as the lease protocol sees it, in memory: each method is one atomic step.

`test_revocation_ledger.py` holds it against the scripts on a real Redis, call by call.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count

from app.auth.revocation import Denial
from app.auth.revocation_terms import Entry, EpochLost, Expelled, Record, Standing

_numbers = count(1)


@dataclass
class Memory:
    """What a flush loses."""

    epoch: str | None = None
    last: int = 0
    settled: bool = False
    workers: dict[str, Record] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    denied: dict[str, int] = field(default_factory=dict)


class SimulatedRedis:
    """One server process after another, each with a `run_id` and whatever memory it was given."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.run_id = ""
        self.restart(Memory())

    def restart(self, memory: Memory) -> None:
        """Be another process from now on: restarted, restored from a snapshot, or promoted."""
        self.run_id = f"r{next(_numbers)}"
        self.memory = deepcopy(memory)

    def snapshot(self) -> Memory:
        """Return what a replica or a file on disk would hold of this moment."""
        return deepcopy(self.memory)

    def flush(self) -> None:
        """Forget everything and stay the same process."""
        self.memory = Memory()

    def lose_log(self) -> None:
        """Lose the entries of the log, as when it was trimmed under a slow reader."""
        self.memory.log.clear()

    def open(self) -> Standing:
        """See `Ledger`."""
        if self.epoch is None:
            self.memory.workers.clear()
            self.memory.log.clear()
            self.memory.last, self.memory.settled = 0, False
            self.memory.epoch = f"{self.run_id}:{next(_numbers)}"
        return self._standing()

    def fill(self, epoch: str, denials: Sequence[Denial]) -> None:
        """See `Ledger`."""
        if self.epoch != epoch:
            raise EpochLost
        for denial in denials:
            key = f"{denial.kind}:{denial.value}"
            self.memory.denied[key] = max(self.memory.denied.get(key, 0), denial.version)

    def announce(self, denials: Sequence[Denial]) -> Standing:
        """See `Ledger`."""
        if self.epoch is None:
            raise EpochLost
        self.fill(self.epoch, denials)
        for denial in denials:
            self.memory.last += 1
            self.memory.log.append(Entry(self.epoch, self.memory.last, denial))
        return self._standing()

    def renew(
        self, epoch: str, worker: str | None, applied: int, *, settle: bool, expel: Expelled
    ) -> Standing:
        """See `Ledger`."""
        if self.epoch != epoch:
            raise EpochLost
        workers = self.memory.workers
        for name, grants in expel:
            if name in workers and workers[name].grants == grants:
                del workers[name]
        if worker is not None:
            before = workers.get(worker, Record(0, 0))
            workers[worker] = Record(max(before.applied, applied), before.grants + 1)
        self.memory.settled = self.memory.settled or settle
        return self._standing()

    def read(self, after: int) -> Sequence[Entry]:
        """Return the entries after a number; what waits is the simulation's to do."""
        return [entry for entry in self.memory.log if entry.number > after]

    def look_up(self, keys: Sequence[str]) -> tuple[str | None, Sequence[bytes | None]]:
        """See `Ledger`."""
        found = [self.memory.denied.get(key) for key in keys]
        return self.epoch, [None if value is None else b"%d" % value for value in found]

    @property
    def epoch(self) -> str | None:
        """The epoch that is good here and now, or None."""
        epoch = self.memory.epoch
        return epoch if epoch and epoch.startswith(f"{self.run_id}:") else None

    def _standing(self) -> Standing:
        memory = self.memory
        return Standing(str(memory.epoch), memory.last, memory.settled, dict(memory.workers))
