# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Without a key to sign with nobody is logged in, and the service says that it is not ready."""

from tests.auth.support.plugin import FreshService


async def test_without_a_key_nothing_is_signed_and_the_service_is_not_ready(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    user = await service.account()
    assert (await service.client.get("/readyz")).status_code == 200
    await service.sql("UPDATE signing_key SET revoked_at = created_at")
    await service.auth.keyring.reload()
    form = {"username": user.email, "password": user.password}
    response = await service.client.post("/auth/token", data=form)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert (await service.client.get("/readyz")).status_code == 503
    assert service.auth.keyring.is_overdue() is False
