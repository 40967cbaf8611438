# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One clock for the service, injected: tests move it, and the database's clock is never asked."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        return datetime.now(UTC)


# Linux's monotonic clock stands still while the machine is suspended; macOS' does not.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_seconds() -> float:
    """Return seconds since some moment, by a clock that nobody sets and that runs in suspend."""
    return time.clock_gettime(_STEADY)
