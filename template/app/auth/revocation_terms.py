# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The words of the lease protocol: what workers, revokers and the ledger say to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.auth.revocation import Denial


@dataclass(frozen=True)
class Terms:
    """Durations in seconds; the same in every process of a service."""

    lease: float = 3.0  # how long a worker trusts its copy after asking
    remembered: float = 5.0  # how long a revoker reckons with it: 2 s for clocks and stand-stills
    renew_every: float = 1.0  # so that two renewals may get lost


@dataclass(frozen=True)
class Record:
    """What the ledger knows of a worker that it granted a lease."""

    applied: int  # the last entry that it said it had applied
    grants: int  # how often it was granted a lease: unchanged means not renewed


@dataclass(frozen=True)
class Standing:
    """The ledger at one moment."""

    epoch: str
    last: int  # number of the newest entry of the log
    settled: bool  # whether every lease of the epoch before has run out for certain
    workers: Mapping[str, Record] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One entry of the log; they are numbered from 1 without gaps."""

    epoch: str
    number: int
    denial: Denial


class LedgerUnavailable(Exception):
    """The ledger did not answer, or not in time; what was asked may still happen."""


class EpochLost(Exception):
    """The ledger has another memory than the one that was asked about, or a gap in it."""


Expelled = Sequence[tuple[str, int]]  # workers, with the grants on record when they fell silent


class Ledger(Protocol):
    """The shared memory: Redis in the service. Each call is one atomic step there.

    Every call raises LedgerUnavailable.
    """

    async def open(self) -> Standing:
        """Return the epoch that is good here and now, a new one when there is none."""
        ...

    async def fill(self, epoch: str, denials: Sequence[Denial]) -> None:
        """Put denials on the shared deny-list without announcing them; raises EpochLost."""
        ...

    async def announce(self, denials: Sequence[Denial]) -> Standing:
        """Put denials on the shared deny-list and append them to the log; raises EpochLost."""
        ...

    async def renew(
        self, epoch: str, worker: str | None, applied: int, *, settle: bool, expel: Expelled
    ) -> Standing:
        """Grant a lease and note what was applied; without a worker only look. Raises EpochLost.

        Args:
            epoch: the one that the caller knows.
            worker: who asks for a lease.
            applied: the last entry that it has applied.
            settle: that `remembered` has passed since the caller first saw this epoch.
            expel: records to delete unless they were renewed.
        """
        ...

    async def read(self, epoch: str, after: int, wait: float) -> Sequence[Entry]:
        """Return entries after a number, oldest first; none when `wait` seconds bring none."""
        ...

    async def look_up(self, keys: Sequence[str]) -> tuple[str | None, Sequence[bytes | None]]:
        """Return the epoch that is good where the answer came from, and the values of the keys."""
        ...
