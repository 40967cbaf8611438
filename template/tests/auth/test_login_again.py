# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A browser that logs in again leaves no session behind that its owner cannot reach."""

import pytest

from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import User, cookie
from tests.auth.support.service import Service

pytestmark = pytest.mark.both_databases


async def test_the_session_whose_cookie_is_replaced_has_ended(
    service: Service, account: User
) -> None:
    before = await service.cookie_login(account)
    body = {"email": account.email, "password": account.password}
    headers = cookie(before.refresh_token)
    response = await service.client.post("/auth/session", json=body, headers=headers)
    assert response.status_code == 200
    assert problem(await service.try_refresh(before.refresh_token)) == INVALID_GRANT


async def test_a_refused_login_leaves_the_session_alone(service: Service, account: User) -> None:
    before = await service.cookie_login(account)
    body = {"email": account.email, "password": "not the password at all"}
    headers = cookie(before.refresh_token)
    response = await service.client.post("/auth/session", json=body, headers=headers)
    assert response.status_code == 400
    assert (await service.try_refresh(before.refresh_token)).status_code == 200
