# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What changes while a password is checked counts: the check takes long enough for that."""

import pytest

from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import new_email
from tests.auth.support.service import Service


async def asked_for_another_address(service: Service) -> tuple[str, dict[str, str]]:
    """Return the new address, and the body that proves it."""
    user, email = await service.account(), new_email()
    bearer = (await service.login(user)).bearer
    await service.client.post("/auth/email/change", json={"email": email}, headers=bearer)
    return email, {"token": await service.mailed_secret(email), "password": user.password}


@pytest.mark.parametrize(
    "meanwhile",
    [
        "DELETE FROM single_use_secret WHERE new_email = :email",
        "UPDATE account SET active = false WHERE id ="
        " (SELECT account_id FROM single_use_secret WHERE new_email = :email)",
    ],
    ids=["used", "disabled"],
)
async def test_a_code_that_is_used_or_whose_account_is_disabled_meanwhile_changes_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    email, body = await asked_for_another_address(service)
    verify = service.auth.passwords.verify

    async def slow_verify(password: str, stored: str | None) -> tuple[bool, str | None]:
        verdict = await verify(password, stored)
        await service.sql(meanwhile, email=email)
        return verdict

    monkeypatch.setattr(service.auth.passwords, "verify", slow_verify)
    response = await service.client.post("/auth/email/verify", json=body)
    assert problem(response) == INVALID_GRANT
    assert await service.sql("SELECT id FROM account WHERE email = :email", email=email) == []


async def test_an_inbox_gets_three_codes_an_hour_for_a_change_of_address(service: Service) -> None:
    email, _ = await asked_for_another_address(service)
    bearer = (await service.login(await service.account())).bearer
    for _ in range(4):
        wish = {"email": email}
        response = await service.client.post("/auth/email/change", json=wish, headers=bearer)
        assert response.status_code == 202
    assert len(await service.mails(email)) == 3
