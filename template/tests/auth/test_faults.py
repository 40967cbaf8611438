# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A store that fails at the worst moment costs a 503: nothing is half done, nothing is lost."""

from typing import Any
from uuid import UUID

import anyio
import httpx2
import pytest
from sqlalchemy import select

from app.auth.models import AuthSession, RefreshToken, Revocation
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens
from tests.auth.support.failing import failing_database, failing_redis
from tests.auth.support.migrations import upgrade
from tests.auth.support.plugin import FreshService, StartWorkers
from tests.auth.support.processes import Server
from tests.auth.support.service import Deployment, Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS, ROTATES, USES_REDIS

pytestmark = pytest.mark.slow

UNAVAILABLE = (503, "temporarily_unavailable")
NEW_PASSWORD = "marzipan-Quarry-17-violet"
MOST_CALLS = 40  # a flow with more statements than this is another flow
BACKGROUND_SECONDS = 20.0  # denials are carried every 5; a loaded machine


async def stored(
    service: Deployment, tokens: Tokens
) -> tuple[AuthSession, list[RefreshToken], int]:
    """Return what a fresh connection sees: session, refresh tokens by age, number of denials."""
    session_id = UUID(tokens.claims["sid"])
    of_session = select(RefreshToken).where(RefreshToken.session_id == session_id)
    denials = select(Revocation).where(Revocation.value == str(session_id))
    async with service.database() as session:
        row = await session.get_one(AuthSession, session_id)
        rows = (await session.scalars(of_session.order_by(RefreshToken.generation))).all()
        return row, list(rows), len((await session.scalars(denials)).all())


async def log_out(service: Deployment, tokens: Tokens) -> httpx2.Response:
    """Log out by the refresh token."""
    body = {"refresh_token": tokens.refresh_token}
    return await service.client.post("/auth/logout", json=body)


async def ask(service: Deployment, tokens: Tokens) -> httpx2.Response:
    """Present the access token."""
    return await service.client.get("/auth/sessions", headers=tokens.bearer)


def is_unavailable(response: httpx2.Response) -> bool:
    """Tell whether an answer is the 503 that asks to try again."""
    return problem(response) == UNAVAILABLE and int(response.headers["retry-after"]) >= 1


def require_whole(session: AuthSession, tokens: list[RefreshToken]) -> None:
    """Check that a rotation has happened with all its parts, or not at all."""
    assert session.revoked_at is None
    used = [token.consumed_at is not None for token in tokens]
    assert used in ([False], [True, False])
    assert session.last_refreshed_at == tokens[-1].issued_at or not ROTATES


@pytest.mark.both_databases
@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_refresh_whose_storage_fails_can_be_repeated_and_nobody_is_logged_out(
    fresh_service: FreshService, *, after_commit: bool
) -> None:
    service = await fresh_service()
    user = await service.account()
    for at in range(1, MOST_CALLS):
        tokens = await service.login(user)
        with failing_database(service.auth.database, at, after_commit=after_commit) as fault:
            response = await service.try_refresh(tokens.refresh_token)
        if not fault.failed:
            assert response.status_code == 200
            break
        assert is_unavailable(response), at
        session, generations, denials = await stored(service, tokens)
        require_whole(session, generations)
        assert denials == 0
        renewed = await service.refresh(tokens)
        assert (await service.try_refresh(renewed.refresh_token)).status_code == 200
    else:
        pytest.fail("the refresh never came through")


@pytest.mark.both_databases
@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_logout_whose_storage_fails_is_whole_or_not_done_and_can_be_repeated(
    fresh_service: FreshService, *, after_commit: bool
) -> None:
    service = await fresh_service()
    user = await service.account()
    for at in range(1, MOST_CALLS):
        tokens = await service.login(user)
        with failing_database(service.auth.database, at, after_commit=after_commit) as fault:
            response = await log_out(service, tokens)
            await service.auth.delivery.marked()
        if response.status_code != 204:
            assert fault.failed
            assert is_unavailable(response), at
            session, _, denials = await stored(service, tokens)
            assert denials == (session.revoked_at is not None), "a denial belongs to its logout"
            response = await log_out(service, tokens)
        assert response.status_code == 204
        assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
        if REVOKES_ACCESS_TOKENS:
            assert problem(await ask(service, tokens)) == INVALID_TOKEN
        if not fault.failed:
            return
    pytest.fail("the logout never came through")


needs_redis = pytest.mark.skipif(not USES_REDIS, reason="there is no Redis here")


def redis_client(service: Service) -> Any:
    """Return the app's own connection to Redis."""
    revocation: Any = service.auth.stores.revocation
    return revocation.client


@needs_redis
async def test_a_logout_whose_redis_fails_at_any_call_is_not_lost(
    fresh_service: FreshService,
) -> None:
    # Without leases there is nobody to wait for: each call is one that must succeed.
    service = await fresh_service(revocation_check="strict")
    user = await service.account()
    for at in range(1, MOST_CALLS):
        tokens = await service.login(user)
        # The list is whole from here on, so that nothing but a delivery can put the denial on it.
        assert (await ask(service, tokens)).status_code == 200
        with failing_redis(redis_client(service), at) as fault:
            response = await log_out(service, tokens)
        if not fault.failed:
            assert response.status_code == 204
            return
        assert is_unavailable(response), at
        assert (await stored(service, tokens))[2] == 1
        assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
        await service.auth.deliver_denials()  # as the background job does
        assert problem(await ask(service, tokens)) == INVALID_TOKEN
    pytest.fail("the logout never came through")


@needs_redis
async def test_a_refresh_whose_redis_fails_at_any_call_goes_on(fresh_service: FreshService) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    for at in range(1, MOST_CALLS):
        with failing_redis(redis_client(service), at) as fault:
            tokens = await service.refresh(tokens)
        if not fault.failed:
            return
        assert (await ask(service, tokens)).status_code == 200
    pytest.fail("the refresh never came through")


@pytest.mark.both_databases
@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_password_change_whose_storage_fails_is_whole_or_not_done(
    fresh_service: FreshService, *, after_commit: bool
) -> None:
    service = await fresh_service()
    for at in range(1, MOST_CALLS):
        user = await service.account()
        tokens = await service.login(user)
        body = {"current_password": user.password, "password": NEW_PASSWORD}
        with failing_database(service.auth.database, at, after_commit=after_commit) as fault:
            response = await service.client.post(
                "/auth/password/change", json=body, headers=tokens.bearer
            )
        # The mail that it owes is sent beside it: the call that failed may have been of that.
        assert response.status_code == 204 or (fault.failed and is_unavailable(response)), at
        form = {"username": user.email, "password": NEW_PASSWORD}
        changed = (await service.new_client().post("/auth/token", data=form)).status_code == 200
        session, _, _ = await stored(service, tokens)
        assert changed == (session.revoked_at is not None), at
        refreshed = await service.try_refresh(tokens.refresh_token)
        assert refreshed.status_code == (400 if changed else 200)
        if not fault.failed:
            return
    pytest.fail("the change never came through")


@needs_redis
@pytest.mark.parametrize(
    ("breaking", "mending"),
    [
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
    ],
    ids=["read-only", "full"],
)
async def test_a_redis_that_takes_no_writes_refuses_logouts_and_still_answers_questions(
    fresh_service: FreshService,
    own_redis_server: Server,
    breaking: tuple[str, ...],
    mending: tuple[str, ...],
) -> None:
    service = await fresh_service(redis_url=own_redis_server.url)
    user = await service.account()
    denied, leaving, staying = [await service.login(user) for _ in range(3)]
    assert (await log_out(service, denied)).status_code == 204
    assert (await ask(service, staying)).status_code == 200
    await redis_client(service).execute_command(*breaking)
    assert is_unavailable(await log_out(service, leaving))
    assert problem(await service.try_refresh(leaving.refresh_token)) == INVALID_GRANT
    # What Redis knew it still knows; logging in and refreshing need no write to it.
    assert problem(await ask(service, denied)) == INVALID_TOKEN
    assert (await ask(service, staying)).status_code == 200
    await service.login(user)
    await service.refresh(staying)
    await redis_client(service).execute_command(*mending)
    assert (await log_out(service, leaving)).status_code == 204
    assert problem(await ask(service, leaving)) == INVALID_TOKEN


@needs_redis
async def test_a_denial_that_could_not_be_delivered_is_delivered_without_anybody_asking(
    workers: StartWorkers, own_redis_server: Server
) -> None:
    running = await workers(2, redis_url=own_redis_server.url, revocation_check="strict")
    user = await running.account()
    leaving, staying = await running.login(user), await running.login(user)
    own_redis_server.kill()
    for client in running.clients:
        assert is_unavailable(await client.get("/auth/sessions", headers=staying.bearer))
    assert is_unavailable(await log_out(running, leaving))
    await running.refresh(await running.login(user))  # people come in and stay in meanwhile
    own_redis_server.start()
    deadline = anyio.current_time() + BACKGROUND_SECONDS
    while await running.sql("SELECT id FROM revocation WHERE delivered_at IS NULL"):
        assert anyio.current_time() < deadline, "the denial was never delivered"
        await anyio.sleep(0.1)
    for client in running.clients:
        response = await client.get("/auth/sessions", headers=leaving.bearer)
        assert problem(response) == INVALID_TOKEN
        response = await client.get("/auth/sessions", headers=staying.bearer)
        assert response.status_code == 200


async def test_when_the_database_is_gone_all_is_503_and_when_it_is_back_all_works(
    workers: StartWorkers, own_postgres_server: Server
) -> None:
    url = own_postgres_server.url.replace("postgresql:", "postgresql+asyncpg:")
    await upgrade(url)
    running = await workers(2, database_url=url)
    user = await running.account()
    tokens = await running.login(user)
    form = {"username": user.email, "password": user.password}
    for go, come in (
        (own_postgres_server.kill, own_postgres_server.start),
        (own_postgres_server.stop, own_postgres_server.start),
    ):
        await running.sql("CHECKPOINT")  # the tests' server does not wait for its disk
        go()
        for client in running.clients:
            body = {"refresh_token": tokens.refresh_token}
            assert is_unavailable(await client.post("/auth/refresh", json=body))
            assert is_unavailable(await client.post("/auth/logout", json=body))
            assert is_unavailable(await client.post("/auth/token", data=form))
            assert is_unavailable(await client.get("/auth/me", headers=tokens.bearer))
            assert is_unavailable(await client.get("/readyz"))
            assert (await client.get("/livez")).status_code == 200
        come()
        for client in running.clients:
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.get("/auth/me", headers=tokens.bearer)).status_code == 200
        tokens = await running.refresh(tokens)
