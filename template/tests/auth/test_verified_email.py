# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A service may ask for a verified address before the first login; production does."""

import pytest

from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import User
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import SECRET_KEY, build_settings


async def unverified(service: Service) -> User:
    """Return the owner of an account as an import of old users makes one."""
    user = await service.account()
    await service.sql(
        "UPDATE account SET email_verified_at = NULL WHERE email = :email", email=user.email
    )
    return user


async def test_where_it_is_asked_for_nobody_logs_in_without_a_verified_address(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service(require_verified_email=True)
    verified, not_yet = await service.account(), await unverified(service)
    await service.login(verified)
    form = {"username": not_yet.email, "password": not_yet.password}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT


async def test_elsewhere_an_address_may_be_verified_later(service: Service) -> None:
    await service.login(await unverified(service))


async def test_a_reset_by_mail_verifies_the_address_too(fresh_service: FreshService) -> None:
    service = await fresh_service(require_verified_email=True)
    user = await unverified(service)
    await service.client.post("/auth/password/forgot", json={"email": user.email})
    body = {"token": await service.mailed_secret(user.email), "password": user.password}
    assert (await service.client.post("/auth/password/reset", json=body)).status_code == 204
    await service.login(user)


@pytest.mark.parametrize(
    ("environment", "choice", "asked"),
    [
        ("local", None, False),
        ("production", None, True),
        ("local", True, True),
        ("production", False, False),
    ],
)
def test_production_asks_for_it_unless_told_otherwise(
    environment: str, choice: bool | None, asked: bool
) -> None:
    values = {"environment": environment, "require_verified_email": choice}
    settings = build_settings(values | {"secret_key": SECRET_KEY})
    assert settings.verified_email_required is asked
