"""How strong a protection is, and the configured names that decide it."""

from __future__ import annotations

from .values import External, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING, OPTIONAL, UNKNOWN, REQUIRED = range(4)


class Strength:
    """A level and what gives it."""

    __slots__ = ("by", "level")

    def __init__(self, level: int, by: str = "") -> None:
        self.level = level
        self.by = by


NO = Strength(NOTHING)


def strongest(found: Iterable[Strength]) -> Strength:
    """Return the strongest of several that all run; nothing when there is none."""
    return max(found, key=lambda one: one.level, default=NO)


def weakest(found: Iterable[Strength]) -> Strength:
    """Return the weakest of several of which one runs."""
    return min(found, key=lambda one: one.level, default=NO)


class Names:
    """A configured list of names: values of the program, and names from outside it."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.external: set[str] = set()

    def holds(self, value: Value) -> bool:
        """Say whether a value is one of the named ones."""
        if isinstance(value, External) and value.name in self.external:
            return True
        return any(value is one for one in self.values)
