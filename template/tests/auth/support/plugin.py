# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The fixtures, for `tests/auth` and for your own tests.

`service` is the app as production builds it, shared by the tests of one process: use accounts of
your own and count nothing that others write. `fresh_service` makes one with a database of its own,
for other settings and for all that touches everybody: signing keys, limits of the whole service.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from app.main import create
from tests.auth.support import servers
from tests.auth.support.credentials import Tokens, User
from tests.auth.support.databases import SqliteDatabases, postgres_databases
from tests.auth.support.kit import Kit
from tests.auth.support.processes import Server
from tests.auth.support.redis_urls import REPLACED, RedisUrls, redis_urls
from tests.auth.support.service import Service
from tests.auth.support.settings import USES_REDIS, setting_names
from tests.auth.support.signing import KeyPool, cheap_keys
from tests.auth.support.workers import Workers, running_workers

pytest_plugins = ["tests.auth.support.garbage", "tests.auth.support.signatures"]

FreshService = Callable[..., Awaitable[Service]]
StartWorkers = Callable[..., Awaitable[Workers]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked `both_databases` on SQLite and on PostgreSQL."""
    marked = metafunc.definition.get_closest_marker("both_databases")
    if marked and "database_backend" in metafunc.fixturenames:
        metafunc.parametrize("database_backend", ["sqlite", "postgres"], indirect=True)


def pytest_report_header() -> str | None:
    """Say what stands in for a real server."""
    replaced = USES_REDIS and not os.environ.get("TEST_REDIS_URL") and not servers.find_redis()
    return REPLACED if replaced else None


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on the event loop that production runs on, one for the whole session."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """Hide the developer's own settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in setting_names():
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _keys() -> Iterator[KeyPool]:
    """Make signing keys cheap for the whole session."""
    with cheap_keys() as pool:
        yield pool


@pytest.fixture(autouse=True)
def _same_keys_for_each_test(_keys: KeyPool) -> None:
    """Give each test the keys that the others had."""
    _keys.begin_test()


@pytest.fixture
def database_backend(request: pytest.FixtureRequest) -> str:
    """The kind of database: "sqlite", or each of both for what is marked `both_databases`."""
    backend: str = getattr(request, "param", "sqlite")
    return backend


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of the PostgreSQL server that all tests share; no test may stop it."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    with servers.postgres_server() as server:
        yield server.url


@pytest.fixture
def own_postgres_server() -> Iterator[Server]:
    """A PostgreSQL server of this test alone, to be stopped, paused and killed."""
    with servers.postgres_server() as server:
        yield server


@pytest.fixture
def own_redis_server() -> Iterator[Server]:
    """A Redis server of this test alone, to be stopped, paused, flushed and filled."""
    with servers.redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisUrls | None]:
    """The Redis of this run, or None for a service without."""
    if not USES_REDIS:
        yield None
        return
    with redis_urls() as urls:
        yield urls


@pytest.fixture(scope="session")
async def sqlite_kit(
    tmp_path_factory: pytest.TempPathFactory, shared_redis: RedisUrls | None
) -> AsyncIterator[Kit]:
    """Makes services on SQLite."""
    kit = Kit(SqliteDatabases(tmp_path_factory.mktemp("sqlite")), shared_redis)
    await kit.prepare()
    yield kit
    await kit.close()


@pytest.fixture(scope="session")
async def postgres_kit(postgres_server: str, shared_redis: RedisUrls | None) -> AsyncIterator[Kit]:
    """Makes services on PostgreSQL."""
    outlives_us = "TEST_POSTGRES_URL" in os.environ
    async with postgres_databases(postgres_server, drop=outlives_us) as databases:
        kit = Kit(databases, shared_redis)
        await kit.prepare()
        yield kit
        await kit.close()


@pytest.fixture
def kit(request: pytest.FixtureRequest, database_backend: str) -> Kit:
    """Makes services and databases of this test's kind."""
    found: Kit = request.getfixturevalue(f"{database_backend}_kit")
    return found


@pytest.fixture
async def database_url(kit: Kit) -> str:
    """A migrated database of this test alone, with a signing key."""
    return await kit.database()


@pytest.fixture
async def empty_database_url(kit: Kit) -> str:
    """A database of this test alone, without any table."""
    return await kit.empty_database()


@pytest.fixture
async def service(kit: Kit) -> Service:
    """The service, shared with other tests."""
    return await kit.shared_service()


@pytest.fixture
async def fresh_service(kit: Kit) -> AsyncIterator[FreshService]:
    """Makes services of this test alone: `await fresh_service(session_idle_lifetime=3600)`."""
    async with AsyncExitStack() as running:

        async def start(**settings: object) -> Service:
            return await running.enter_async_context(kit.running(create, **settings))

        yield start


@pytest.fixture
async def account(service: Service) -> User:
    """The owner of a new account on `service`."""
    return await service.account()


@pytest.fixture
async def tokens(service: Service, account: User) -> Tokens:
    """`account`, logged in on `service`."""
    return await service.login(account)


@pytest.fixture
async def workers(kit: Kit, tmp_path: Path) -> AsyncIterator[StartWorkers]:
    """Makes processes of the service on real ports: `await workers(4, refresh_grace_period=60)`."""
    async with AsyncExitStack() as running:

        async def start(count: int = 2, **settings: object) -> Workers:
            values = await kit.settings_values(**settings)
            return await running.enter_async_context(running_workers(values, count, tmp_path))

        yield start
