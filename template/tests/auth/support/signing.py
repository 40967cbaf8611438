# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Signing keys that cost the tests little: made once, handed out again to each test."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from app.auth.wiring import signing_algorithm

ALGORITHM = type(signing_algorithm)
# What production makes, for the one test that asks for its strength.
make_real_key = signing_algorithm.generate
REAL_RSA_BITS: int | None = getattr(sys.modules[ALGORITHM.__module__], "RSA_BITS", None)

# In the database that all others are copied from: the active key and the pending one.
TEMPLATE_KEYS = 2


class KeyPool:
    """Gives each test the same keys in the same order, and makes one only when they run out.

    Args:
        make: makes a key.
    """

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._made: list[bytes] = []
        self._given = 0

    def give(self) -> bytes:
        """Return a key that this test has not had yet."""
        if self._given == len(self._made):
            self._made.append(self._make())
        self._given += 1
        return self._made[self._given - 1]

    def begin_test(self) -> None:
        """Begin again, after the keys that every copied database holds."""
        self._given = min(TEMPLATE_KEYS, len(self._made))


@contextmanager
def cheap_keys() -> Iterator[KeyPool]:
    """Make small RSA keys, a few in the whole session, and check each only once."""
    pool = KeyPool(make_real_key)
    with pytest.MonkeyPatch.context() as patch:
        # The least that PyJWT takes without a warning; making and loading a real one takes 0.3 s.
        if signing_algorithm.name == "RS256":
            patch.setattr("app.auth.signing_rs256.RSA_BITS", 2048)
        patch.setattr(ALGORITHM, "generate", lambda _: pool.give())
        patch.setattr(ALGORITHM, "load", cache(ALGORITHM.load))
        yield pool
