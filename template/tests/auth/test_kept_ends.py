# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What has ended keeps the moment and the reason of its end: an incident is read from these rows.

An end that comes later, of everything for example, must not write over an earlier one.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.auth import administration, api_key_administration, api_key_repository
from app.auth.api_key_models import ApiKey
from app.auth.cleanup import delete_old_rows
from app.auth.models import AuthSession, PendingRegistration, SingleUseSecret
from tests.auth.support.api_keys import Owner
from tests.auth.support.credentials import PASSWORD, Tokens, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

End = tuple[datetime | None, str | None]
SECOND = timedelta(seconds=1)
# Of a session that was logged out and one that was not, of a secret and a registration.
TABLES = (AuthSession, SingleUseSecret, PendingRegistration)
LEFT_OVER = {
    timedelta(hours=1) - SECOND: [2, 1, 1],
    timedelta(hours=1): [2, 0, 1],  # the secret has run out
    timedelta(days=1) - SECOND: [2, 0, 1],
    timedelta(days=1): [2, 0, 0],  # the registration, too
    timedelta(days=30): [2, 0, 0],
    timedelta(days=30) + SECOND: [1, 0, 0],  # thirty days after the logout
    timedelta(days=44): [1, 0, 0],
    timedelta(days=44) + SECOND: [0, 0, 0],  # thirty after the other was idle for fourteen
}


async def end_of_session(service: Service, tokens: Tokens) -> End:
    """Return when and why a session ended."""
    async with service.database() as session:
        row = await session.get_one(AuthSession, UUID(tokens.claims["sid"]))
    return row.revoked_at, row.revoke_reason


async def end_of_key(service: Service, key_id: str) -> End:
    """Return when and why a key was revoked."""
    async with service.database() as session:
        row = await session.get_one(ApiKey, key_id)
    return row.revoked_at, row.revoke_reason


async def test_a_session_that_was_logged_out_stays_so(service: Service) -> None:
    user = await service.account()
    left, staying = await service.login(user), await service.login(user)
    await service.client.post("/auth/logout", headers=left.bearer)
    first = await end_of_session(service, left)
    assert first == (service.clock.now(), "logout")
    service.clock.advance(seconds=1)
    await service.client.post("/auth/logout-all", headers=staying.bearer)
    assert await end_of_session(service, staying) == (service.clock.now(), "logout_all")
    assert await end_of_session(service, left) == first


async def test_the_end_of_everything_is_written_where_something_was_left(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    user = await service.account()
    left, living = await service.login(user), await service.login(user)
    await service.client.post("/auth/logout", headers=left.bearer)
    first = await end_of_session(service, left)
    kids = {key.kid for key in await service.auth.key_store.list()}
    service.clock.advance(seconds=1)
    await administration.end_everything(service.auth, "restored_backup")
    keys = await service.auth.key_store.list()
    assert {key.revoked_at for key in keys if key.kid in kids} == {service.clock.now()}
    assert [
        row["token_version"] for row in await service.sql("SELECT token_version FROM account")
    ] == [living.claims["ver"] + 1]
    assert await end_of_session(service, living) == (service.clock.now(), "restored_backup")
    assert await end_of_session(service, left) == first


async def test_a_key_that_its_owner_revoked_stays_so(fresh_service: FreshService) -> None:
    service = await fresh_service()
    owner = await Owner.on(service, "items:read")
    key = await owner.make("items:read")
    assert (await owner.revoke(key)).status_code == 204
    first = await end_of_key(service, key.id)
    assert first == (service.clock.now(), "revoked_by_owner")
    service.clock.advance(seconds=1)
    assert (await owner.revoke(key)).status_code == 204
    await api_key_administration.revoke_key(service.auth, key.id)
    assert await end_of_key(service, key.id) == first


async def test_a_key_that_goes_with_all_others_says_why(fresh_service: FreshService) -> None:
    service = await fresh_service()
    owner = await Owner.on(service, "items:read")
    key, now = await owner.make("items:read"), service.clock.now()
    async with service.auth.database.transaction() as session:
        await api_key_repository.revoke_all(session, "password_reset", now, owner.user.id)
    assert await end_of_key(service, key.id) == (now, "password_reset")


async def test_rows_are_deleted_when_no_promise_needs_them_any_more_and_not_before(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    user = await service.account()
    left, _ = await service.login(user), await service.login(user)
    await service.client.post("/auth/logout", headers=left.bearer)
    await service.client.post("/auth/password/forgot", json={"email": user.email})
    new = {"email": new_email(), "password": PASSWORD}
    await service.client.post("/auth/register", json=new)

    async def left_over() -> list[int]:
        await delete_old_rows(service.auth.database, service.clock.now())
        async with service.database() as session:
            rows = [await session.scalars(select(table)) for table in TABLES]
            return [len(each.all()) for each in rows]

    begun = service.clock.now()
    for moment, rows in LEFT_OVER.items():
        service.clock.advance(seconds=(begun + moment - service.clock.now()).total_seconds())
        assert await left_over() == rows, moment
