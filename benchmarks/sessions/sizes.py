"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers and times of one run.

    Attributes:
        logouts: of each way to check, in each state of the workers.
        load_seconds: for which the workers are kept busy; fewer logouts when it ends first.
        stops: how often a worker is stopped.
        floods: of logins, each with a quiet stretch before and after.
        flood_seconds: each takes; also the quiet stretches.
        refreshes: of each database and number of sessions in parallel.
    """

    logouts: int
    load_seconds: float
    stops: int
    floods: int
    flood_seconds: float
    refreshes: int


FULL = Sizes(1000, 60.0, 5, 5, 10.0, 2000)
QUICK = Sizes(30, 4.0, 1, 1, 2.0, 60)
