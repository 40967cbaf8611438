# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The lease protocol, its rules and nothing else: no I/O, no clock of its own, no event loop.

A worker answers from its own copy of the deny-list only while it holds a lease. The claim is: once
a revocation was answered, no worker accepts what it denies. It stands on three rules.

1. A grant names the last entry of the log at that moment, and is worth nothing until the worker has
   applied the log up to there. It counts from before the request for it was sent, for `lease`
   seconds of a clock that runs through suspend.
2. A revoker first commits to the database, then appends to the log, and then answers when every
   worker that the ledger had granted a lease has said that it applied the entry, or when
   `remembered` seconds of the revoker's own clock have passed: every lease that is still good was
   granted after the entry was there, so by the first rule its holder has applied it.
3. A ledger that has lost its memory has another epoch. Leases of the epoch before are not on record
   there, so until one full `remembered` has passed in it, no revocation is answered sooner.

The only clocks are those of workers and revokers, and only how fast they run matters: a lease of 3
seconds ends before 5 have passed elsewhere as long as no clock is 20 percent fast or slow.
`tests/auth/test_revocation_protocol.py` searches for schedules that break the claim.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.auth.revocation import Denial
from app.auth.revocation_copy import DenyCopy
from app.auth.revocation_terms import Entry, EpochLost, Expelled, Record, Standing, Terms

NEVER = float("-inf")


class Replica:
    """A worker's copy and the lease under which it may be trusted."""

    def __init__(self, terms: Terms) -> None:
        self.copy = DenyCopy()
        self.epoch = ""
        self.applied = 0
        self._lease = terms.lease
        self._trusted_until = NEVER
        self._grant = (NEVER, 0)  # when it was asked for, and the entry that it waits for

    def begin(self, epoch: str, number: int) -> None:
        """Start a copy that will hold the database as read from now on, and the log after."""
        self.forget()
        self.epoch, self.applied = epoch, number

    def fill(self, denials: Sequence[Denial]) -> None:
        """Take up what the database holds."""
        for denial in denials:
            self.copy.add(denial)

    def forget(self) -> None:
        """Throw the copy away; nothing is trusted until it was begun again."""
        self._trusted_until, self._grant, self.epoch = NEVER, (NEVER, 0), ""
        self.copy.clear()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Apply entries in their order.

        Raises:
            EpochLost: they are of another epoch, or one between was not seen.
        """
        for entry in entries:
            if entry.epoch != self.epoch or entry.number > self.applied + 1:
                raise EpochLost
            self.copy.add(entry.denial)
            self.applied = max(self.applied, entry.number)
        self._use_grant()

    def granted(self, sent_at: float, standing: Standing) -> None:
        """Take a grant; `sent_at` is this worker's time from before the request was sent."""
        if standing.epoch == self.epoch:
            self._grant = (sent_at, standing.last)
            self._use_grant()

    def may_answer(self, now: float) -> bool:
        """Tell whether the copy may be trusted at this moment of this worker's clock."""
        return now < self._trusted_until

    def age(self, now: float) -> float:
        """Return how many seconds ago the copy was known to be complete; 0 before it ever was."""
        since = self._trusted_until - self._lease
        return 0.0 if since == NEVER else max(0.0, now - since)

    def is_behind(self) -> bool:
        """Tell whether the last grant named an entry that has not come yet."""
        return self.applied < self._grant[1]

    def sweep(self, now: datetime) -> None:
        """Drop some of what has expired."""
        self.copy.sweep(now)

    def _use_grant(self) -> None:
        sent_at, last = self._grant
        if self.applied >= last:
            self._trusted_until = max(self._trusted_until, sent_at + self._lease)


class Answer:
    """When a revoker may answer.

    Args:
        standing: what the ledger said when it appended the entries; `last` is the newest of them.
        now: the revoker's time, from after that.
        terms: the durations.
    """

    def __init__(self, standing: Standing, now: float, terms: Terms) -> None:
        self.epoch = standing.epoch
        self.until = now + terms.remembered
        self._number = standing.last
        self._settled = standing.settled
        self._waits_for = {
            name: record.grants
            for name, record in standing.workers.items()
            if record.applied < self._number
        }

    def note(self, standing: Standing) -> None:
        """Take note of who has applied the entries meanwhile."""
        self._settled = self._settled or standing.settled
        for name in list(self._waits_for):
            record = standing.workers.get(name)
            if record is None or record.applied >= self._number:
                del self._waits_for[name]

    def is_due(self, now: float) -> bool:
        """Tell whether the revocation holds on every worker."""
        return now >= self.until or (self._settled and not self._waits_for)

    @property
    def silent(self) -> Expelled:
        """Who never answered, with the grants on record at the beginning."""
        return list(self._waits_for.items())


class Watch:
    """Notices which workers have not renewed for so long that their lease has run out."""

    def __init__(self, terms: Terms) -> None:
        self._remembered = terms.remembered
        self._seen: dict[str, tuple[int, float]] = {}

    def note(self, workers: Mapping[str, Record], now: float) -> None:
        """Take note of the records, at a time from after they were read."""
        self._seen = {
            name: self._seen[name]
            if self._seen.get(name, (-1, now))[0] == record.grants
            else (record.grants, now)
            for name, record in workers.items()
        }

    def run_out(self, now: float) -> Expelled:
        """Return the workers that can be deleted, unless they are renewed meanwhile."""
        return [
            (name, grants)
            for name, (grants, since) in self._seen.items()
            if now >= since + self._remembered
        ]
