# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Several processes are one service: what one of them does, the others know."""

from collections.abc import AsyncIterator

import pytest

from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, problem
from tests.auth.support.kit import Kit
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS
from tests.auth.support.workers import Workers, running_workers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def service(
    module_kit: Kit, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workers]:
    """Three workers, the same for all tests here, which have accounts of their own."""
    values = await module_kit.settings_values()
    async with running_workers(values, 3, tmp_path_factory.mktemp("workers")) as workers:
        yield workers


async def test_a_user_meets_another_worker_with_each_request(service: Workers) -> None:
    user = await service.register()
    tokens = await service.login(user)
    for client in service.clients:
        response = await client.get("/auth/me", headers=tokens.bearer)
        assert response.json()["email"] == user.email
    for _ in range(3):
        tokens = await service.refresh(tokens)
    assert tokens.header["kid"] == (await service.login(user)).header["kid"]
    response = await service.client.post("/auth/logout", headers=tokens.bearer)
    assert response.status_code == 204
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    for client in service.clients:
        response = await client.get("/auth/sessions", headers=tokens.bearer)
        if REVOKES_ACCESS_TOKENS:
            assert problem(response) == INVALID_TOKEN
        else:
            assert response.status_code == 200


async def test_the_clock_moves_in_every_worker(service: Workers) -> None:
    tokens = await service.login(await service.account())
    service.clock.advance(seconds=900 + 30)
    for client in service.clients:
        response = await client.get("/auth/sessions", headers=tokens.bearer)
        assert problem(response) == INVALID_TOKEN


async def test_a_worker_that_was_killed_comes_back(service: Workers) -> None:
    tokens = await service.login(await service.account())
    service.servers[0].kill()
    response = await service.clients[1].get("/auth/me", headers=tokens.bearer)
    assert response.status_code == 200
    service.servers[0].start()
    response = await service.clients[0].get("/auth/me", headers=tokens.bearer)
    assert response.status_code == 200
