# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the service promises about API keys, in as few lines as it can be said.

A key means the same at every moment: what it was made with, cut to what its owner holds. The worker
that changes this knows at once; each other one may answer as it was before for 30 seconds, never
goes back to what it no longer believed, and is not late with an expiry. Where workers have a copy
of the deny-list, all of them know at once what was taken away. Nothing here is taken from
`app/auth`: the numbers are those of the documentation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.auth.support.api_keys import Key, Owner

STALE_FOR = timedelta(seconds=30)
REFUSED_FOR = timedelta(seconds=5)  # what was asked for before it existed
OVERLAP = timedelta(hours=24)
DEFAULT_DAYS = 90
NEVER = datetime.max.replace(tzinfo=UTC)

Scopes = frozenset[str]


@dataclass
class View:
    """What a key was good for during some time: its scopes, or None when it was refused."""

    scopes: Scopes | None
    until: datetime = NEVER

    def status(self, needed: str) -> int:
        """Return the answer of a route that needs a scope."""
        if self.scopes is None:
            return 401
        return 200 if needed in self.scopes else 403


@dataclass(eq=False)
class Holder:
    """An account, and what its owner and administrator have done to it."""

    owner: Owner
    scope: Scopes
    active: bool = True
    deleted: bool = False
    logged_in_at: datetime | None = None  # None: the tokens are refused
    keys: list["HeldKey"] = field(default_factory=list)
    # Held below the limits, which have tests of their own.
    made: int = 0
    passwords: int = 0
    asked_for_mail: int = 0


@dataclass(eq=False)
class HeldKey:
    """A key and what became of it."""

    key: Key
    holder: Holder
    scope: Scopes
    lifetime: timedelta
    made_at: datetime
    expires_at: datetime = NEVER
    rotated: bool = False
    revoked: bool = False
    views: list[View] = field(default_factory=list)
    # For each worker: the oldest view that it can still hold.
    noticed: dict[int, int] = field(default_factory=dict)
    # For each worker: when it was asked for the key before there was one.
    asked_early: dict[int, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.expires_at = self.made_at + self.lifetime
        self.views.append(View(self.scope & self.holder.scope))

    def ended(self, now: datetime) -> bool:
        """Tell whether nothing brings it back."""
        return self.revoked or now >= self.expires_at

    def ended_by_rotation(self, now: datetime) -> bool:
        """Tell whether it would be good still, had it not been rotated."""
        alive = self.holder.active and not self.revoked
        return self.rotated and alive and self.expires_at <= now < self.made_at + self.lifetime

    def changed(self, worker: int, now: datetime, losses_seen_by: Iterable[int]) -> None:
        """Note what is true from now on, and that one worker knows; of a loss perhaps others do."""
        scopes, before = None if self.revoked else self.scope & self.holder.scope, self.views[-1]
        if scopes != before.scopes:
            before.until = now
            self.views.append(View(scopes))
        lost = scopes is None or (before.scopes is not None and not before.scopes <= scopes)
        for knowing in {worker, *(losses_seen_by if lost else ())}:
            self.noticed[knowing] = len(self.views) - 1

    def answers(self, worker: int, needed: str, now: datetime) -> list[int]:
        """Return what a worker may answer, beginning with what was true longest ago."""
        if now >= self.expires_at:
            return [401]
        views = self.views[self.noticed.get(worker, 0) :]
        statuses = [view.status(needed) for view in views if now < soon_after(view.until)]
        if worker in self.asked_early and now < self.asked_early[worker] + REFUSED_FOR:
            statuses.insert(0, 401)
        return list(dict.fromkeys(statuses))

    def answered(self, worker: int, needed: str, status: int) -> None:
        """Note that a worker no longer believes what speaks against its answer."""
        oldest = self.noticed.get(worker, 0)
        for number, view in enumerate(self.views[oldest:], oldest):
            if view.status(needed) == status:
                self.noticed[worker] = number
                return


def soon_after(moment: datetime) -> datetime:
    """Return when the last worker has noticed what happened."""
    return NEVER if moment == NEVER else moment + STALE_FOR
