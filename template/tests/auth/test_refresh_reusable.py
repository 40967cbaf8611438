# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Without rotation one refresh token works until its session ends, and everything else holds."""

import pytest
from sqlalchemy import update

from app.auth.derived_keys import hash_secret
from app.auth.models import RefreshToken
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import Tokens, User, cookie, tokens_of
from tests.auth.support.service import Service

pytestmark = pytest.mark.both_databases


async def test_the_same_token_works_again_and_again(service: Service, tokens: Tokens) -> None:
    for _ in range(3):
        service.clock.advance(minutes=10)
        renewed = await service.refresh(tokens)
        assert renewed.refresh_token == tokens.refresh_token
        assert renewed.claims["sid"] == tokens.claims["sid"]
        assert renewed.claims["iat"] == int(service.clock.now().timestamp())


async def test_a_refresh_keeps_the_time_of_the_login(service: Service, tokens: Tokens) -> None:
    service.clock.advance(minutes=10)
    assert (await service.refresh(tokens)).claims["auth_time"] == tokens.claims["auth_time"]


async def test_the_token_ends_with_its_session(service: Service, tokens: Tokens) -> None:
    response = await service.client.post("/auth/logout", headers=tokens.bearer)
    assert response.status_code == 204
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT


async def test_the_cookie_is_set_again_with_the_same_token(service: Service, account: User) -> None:
    tokens = await service.cookie_login(account)
    response = await service.client.post("/auth/refresh", headers=cookie(tokens.refresh_token))
    assert tokens_of(response).refresh_token == tokens.refresh_token


async def test_a_token_consumed_under_rotation_stays_consumed(
    service: Service, tokens: Tokens
) -> None:
    # The answer may be switched on a live service; what was used once then is not revived.
    async with service.database() as session:
        await session.execute(
            update(RefreshToken)
            .where(RefreshToken.token_hash == hash_secret(tokens.refresh_token))
            .values(consumed_at=service.clock.now())
        )
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
