# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A store that is slow costs time or a 503, never a wrong answer, and nobody is logged out.

Each store is reached over a link that holds its answers back: below the time-outs, and above them.
"""

import random
import time
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens
from tests.auth.support.migrations import upgrade
from tests.auth.support.plugin import FreshService
from tests.auth.support.processes import Server
from tests.auth.support.servers import scratch_directory
from tests.auth.support.service import Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS, USES_REDIS
from tests.auth.support.slow_link import SlowLink, slow_link

pytestmark = pytest.mark.slow

UNAVAILABLE = (503, "temporarily_unavailable")
REDIS_TIMEOUT = 0.25
SLOW, TOO_SLOW = 0.05, 0.6  # seconds that an answer of Redis is late
POSTGRES_SOCKET = ".s.PGSQL.5432"
# Those of production are seconds; what counts is which side of them an answer comes on.
DATABASE_TIMEOUT = 0.4
ROUNDS = 12

needs_redis = pytest.mark.skipif(not USES_REDIS, reason="there is no Redis here")


@pytest.fixture
async def redis_link(own_redis_server: Server) -> AsyncGenerator[tuple[SlowLink, str], None]:
    """A link to a Redis, and its address."""
    server = Path(own_redis_server.url.removeprefix("unix://"))
    with scratch_directory() as directory:
        async with slow_link(server, directory / "link.sock") as link:
            yield link, f"unix://{directory / 'link.sock'}"


@pytest.fixture
async def database_link(own_postgres_server: Server) -> AsyncGenerator[tuple[SlowLink, str], None]:
    """A link to a migrated PostgreSQL, and its address."""
    address = own_postgres_server.url.replace("postgresql:", "postgresql+asyncpg:")
    await upgrade(address)
    base, _, server = address.partition("host=")
    with scratch_directory() as directory:
        path = directory / POSTGRES_SOCKET
        async with slow_link(Path(server) / POSTGRES_SOCKET, path) as link:
            yield link, f"{base}host={directory}"


async def ask(service: Service, tokens: Tokens) -> tuple[int, str] | None:
    """Present an access token; return None when it is accepted and the problem otherwise."""
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    return None if response.status_code == 200 else problem(response)


async def log_out(service: Service, tokens: Tokens) -> int:
    """Log out by the refresh token."""
    body = {"refresh_token": tokens.refresh_token}
    return (await service.client.post("/auth/logout", json=body)).status_code


@needs_redis
async def test_a_redis_that_answers_late_but_in_time_changes_nothing(
    fresh_service: FreshService, redis_link: tuple[SlowLink, str]
) -> None:
    link, url = redis_link
    service = await fresh_service(redis_url=url)
    user = await service.account()
    link.delay = SLOW
    leaving, staying = await service.login(user), await service.login(user)
    assert await log_out(service, leaving) == 204
    assert await ask(service, leaving) == INVALID_TOKEN
    assert await ask(service, staying) is None
    assert (await service.try_refresh(staying.refresh_token)).status_code == 200


@needs_redis
async def test_a_redis_that_answers_too_late_is_a_503_and_soon(
    fresh_service: FreshService, redis_link: tuple[SlowLink, str]
) -> None:
    link, url = redis_link
    service = await fresh_service(redis_url=url, revocation_check="strict")
    user = await service.account()
    leaving, staying = await service.login(user), await service.login(user)
    assert await ask(service, staying) is None
    link.delay = TOO_SLOW
    started = time.monotonic()
    assert await ask(service, staying) == UNAVAILABLE
    assert time.monotonic() - started < TOO_SLOW  # the answer was not waited for
    # People come in and stay in meanwhile, counted by each worker for itself.
    assert (await service.try_refresh((await service.login(user)).refresh_token)).is_success
    assert await log_out(service, leaving) == 503
    assert problem(await service.try_refresh(leaving.refresh_token)) == INVALID_GRANT
    link.delay = 0
    await service.auth.deliver_denials()  # as the background job does
    assert await ask(service, leaving) == INVALID_TOKEN
    assert await ask(service, staying) is None


@needs_redis
async def test_a_late_answer_of_redis_is_never_taken_for_another_question(
    fresh_service: FreshService, redis_link: tuple[SlowLink, str]
) -> None:
    # A connection whose time is up still has an answer coming: used again, it would give a denied
    # token the answer of a living one.
    link, url = redis_link
    service = await fresh_service(redis_url=url, revocation_check="strict")
    user = await service.account()
    denied, living = await service.login(user), await service.login(user)
    assert await log_out(service, denied) == 204
    seen: dict[str, set[tuple[int, str] | None]] = {"denied": set(), "living": set()}

    async def keep(name: str, tokens: Tokens) -> None:
        seen[name].add(await ask(service, tokens))

    late = random.Random(4711)  # noqa: S311 - delays, the same in every run
    for _ in range(ROUNDS):
        link.delay = late.choice((0, REDIS_TIMEOUT / 2, REDIS_TIMEOUT, 2 * REDIS_TIMEOUT))
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(partial(keep, "denied", denied))
                group.start_soon(partial(keep, "living", living))
    assert seen == {"denied": {INVALID_TOKEN, UNAVAILABLE}, "living": {None, UNAVAILABLE}}


async def test_a_database_that_answers_late_but_in_time_changes_nothing(
    fresh_service: FreshService, database_link: tuple[SlowLink, str]
) -> None:
    link, url = database_link
    service = await fresh_service(database_url=url)
    user = await service.account()
    link.delay = SLOW
    leaving, staying = await service.login(user), await service.login(user)
    assert await log_out(service, leaving) == 204
    assert problem(await service.try_refresh(leaving.refresh_token)) == INVALID_GRANT
    assert await ask(service, await service.refresh(staying)) is None
    if REVOKES_ACCESS_TOKENS:
        assert await ask(service, leaving) == INVALID_TOKEN


async def test_a_database_that_answers_too_late_is_a_503_and_nobody_is_logged_out(
    fresh_service: FreshService,
    database_link: tuple[SlowLink, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.database_engine.CONNECT_TIMEOUT", DATABASE_TIMEOUT)
    monkeypatch.setattr("app.core.database_engine.COMMAND_TIMEOUT", DATABASE_TIMEOUT)
    link, url = database_link
    service = await fresh_service(database_url=url)
    user = await service.account()
    late = random.Random(4711)  # noqa: S311 - delays, the same in every run
    unavailable = 0
    for _ in range(ROUNDS):
        tokens = await service.login(user)
        # Some of its statements come through and one does not, each time another.
        link.delay = late.uniform(DATABASE_TIMEOUT / 20, 2 * DATABASE_TIMEOUT)
        async with anyio.create_task_group() as group:
            group.start_soon(mend, link, late.uniform(0, DATABASE_TIMEOUT))
            response = await service.try_refresh(tokens.refresh_token)
        if response.status_code != 200:
            assert problem(response) == UNAVAILABLE
            unavailable += 1
            response = await service.try_refresh(tokens.refresh_token)
        assert response.status_code == 200, response.text
    assert unavailable, "the link was never too slow"
    assert not await service.sql("SELECT id FROM auth_session WHERE revoked_at IS NOT NULL")


async def mend(link: SlowLink, seconds: float) -> None:
    """Make a link fast again after a while."""
    await anyio.sleep(seconds)
    link.delay = 0
