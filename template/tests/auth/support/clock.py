# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Clocks that stand still until a test moves them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

# Whole seconds, so that a test can stand exactly on the edge of a token's life.
START = datetime.now(UTC).replace(microsecond=0)


class MovableClock:
    """The service's clock in tests: it stands still, and only moves forwards."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the current time, UTC."""
        return self._now

    def advance(self, *, seconds: float = 0, minutes: float = 0, days: float = 0) -> None:
        """Move forwards; caches of the service rely on time never going back."""
        step = timedelta(seconds=seconds, minutes=minutes, days=days)
        if step < timedelta(0):
            raise ValueError("a clock does not go backwards")
        self._now += step


class FileClock(MovableClock):
    """A clock that several processes read from one file, so that a test moves all of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            self._write(START)

    def now(self) -> datetime:
        """Return the time that stands in the file, UTC."""
        return datetime.fromisoformat(self._path.read_text())

    def advance(self, *, seconds: float = 0, minutes: float = 0, days: float = 0) -> None:
        """Move the clock of every process forwards."""
        clock = MovableClock(self.now())
        clock.advance(seconds=seconds, minutes=minutes, days=days)
        self._write(clock.now())

    def _write(self, moment: datetime) -> None:
        # Replaced in one step: a reader never sees half a time.
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(moment.isoformat())
        unfinished.replace(self._path)
