# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""No cache keeps what was answered to somebody."""

import pytest

from tests.auth.support.credentials import Tokens
from tests.auth.support.service import Service


async def test_an_answer_to_a_credential_is_not_stored(service: Service, tokens: Tokens) -> None:
    response = await service.client.get("/items", headers=tokens.bearer)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/auth/me", "/auth/nowhere"])
async def test_nothing_under_auth_is_stored(service: Service, path: str) -> None:
    assert (await service.client.get(path)).headers["cache-control"] == "no-store"


async def test_what_anybody_may_see_can_be_stored(service: Service) -> None:
    assert "no-store" not in (await service.client.get("/livez")).headers.get("cache-control", "")
