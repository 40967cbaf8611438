# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Where a service under test finds a Redis of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

import pytest

from tests.auth.support.servers import (
    REDIS_DATABASES,
    find_redis,
    real_services_required,
    redis_server,
)

REPLACED = "no real Redis: fakeredis stands in"
STAND_IN_DATABASES = 16


class RedisUrls:
    """Gives each service a logical database of one server.

    Args:
        url: the server's address, without a database.
        databases: how many logical databases it has.
    """

    def __init__(self, url: str, databases: int) -> None:
        self._url = url
        self._databases = databases
        self._numbers = count()

    def take(self) -> str:
        """Return the address of a logical database; no two services have the same for long."""
        number = next(self._numbers) % self._databases
        is_socket = urlsplit(self._url).scheme == "unix"
        return f"{self._url}?db={number}" if is_socket else f"{self._url}/{number}"


@contextmanager
def redis_urls() -> Iterator[RedisUrls]:
    """Find or start the Redis of this run; a stand-in where there is none, a failure in CI."""
    if url := os.environ.get("TEST_REDIS_URL"):
        # Services are kept apart by their key prefix; how many databases it has is not known.
        yield RedisUrls(url.rstrip("/").removesuffix("/0"), 1)
    elif find_redis():
        with redis_server() as server:
            yield RedisUrls(server.url, REDIS_DATABASES)
    elif real_services_required():
        pytest.fail("no real Redis: neither redis-server nor valkey-server is installed")
    else:
        from tests.auth.support.redis_stand_in import stand_in

        with stand_in() as url:
            yield RedisUrls(url, STAND_IN_DATABASES)
