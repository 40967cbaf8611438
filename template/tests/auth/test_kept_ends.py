# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What has ended keeps the moment and the reason of its end: an incident is read from these rows.

An end that comes later, of everything for example, must not write over an earlier one.
"""

from datetime import datetime
from uuid import UUID

from app.auth import administration, api_key_administration
from app.auth.api_key_models import ApiKey
from app.auth.models import AuthSession
from tests.auth.support.api_keys import Owner
from tests.auth.support.credentials import Tokens
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

End = tuple[datetime | None, str | None]


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
    service.clock.advance(seconds=1)
    await administration.end_everything(service.auth, "restored_backup")
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
