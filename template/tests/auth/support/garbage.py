# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""When garbage is collected: between tests, where a collection costs a tenth and stalls nobody."""

import gc
from itertools import count

import pytest

TESTS_BETWEEN = 200  # holds the memory of a run below half a gigabyte

_ended = count(1)


def pytest_collection_finish() -> None:
    """Leave what was imported out of every collection to come."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let only long tests collect while they run: the others end before it matters."""
    if item.get_closest_marker("slow"):
        gc.enable()
    else:
        gc.disable()


def pytest_runtest_logfinish() -> None:
    """Collect every now and then."""
    if next(_ended) % TESTS_BETWEEN == 0:
        gc.collect()
