# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What is done to one account is done to no other, in whatever state the other one is.

The others are there first, with everything that an account can have. Then somebody comes, does all
that can be done, and everything that was there before must be there as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from sqlalchemy import inspect, select, update

from app.auth import administration, api_key_administration
from app.auth.models import Account, RefreshToken
from app.core.database import Base
from tests.auth.support.api_keys import Owner
from tests.auth.support.credentials import User, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

SCOPE = "items:read items:write"
NEW_PASSWORD = "saxophone-Tundra-55-kettle"
# Of everybody: counts, keys, mails under way, and what the deny-list has been told.
SHARED = {"signing_key", "outbox_message", "revocation"}
Rows = Mapping[tuple[str, Any], Mapping[str, Any]]


async def rows(service: Service) -> Rows:
    """Return every row that belongs to somebody, by its table and primary key."""
    found = {}
    async with service.database() as session:
        for mapper in Base.registry.mappers:
            table: str = mapper.class_.__tablename__
            if table in SHARED:
                continue
            for row in await session.scalars(select(mapper.class_)):
                values = {each.key: getattr(row, each.key) for each in mapper.column_attrs}
                found[table, inspect(row).identity] = values
    return found


@dataclass
class Subject:
    """Somebody, and what can be done to an account."""

    service: Service
    owner: Owner

    async def post(self, path: str, **body: str) -> httpx2.Response:
        """Send a request with the newest access token."""
        headers = self.owner.tokens.bearer
        answer = await self.service.client.post(path, json=body or None, headers=headers)
        assert answer.status_code in {202, 204}, answer.text
        return answer

    async def uses_keys(self) -> None:
        """Make, rotate and revoke keys, alone and all."""
        first = await self.owner.make(SCOPE)
        await self.owner.rotate(first)
        assert (await self.owner.revoke(first)).status_code == 204
        await self.owner.make(SCOPE)
        await api_key_administration.revoke_all_keys(self.service.auth, self.owner.user.email)

    async def comes_and_goes(self) -> None:
        """Refresh, also with a token of before, log out, log out everywhere."""
        first = self.owner.tokens
        self.owner.tokens = await self.service.refresh(first)
        await self.service.try_refresh(first.refresh_token)
        await self.post("/auth/logout")
        await self.owner.log_in_again()
        stolen = self.owner.tokens
        self.owner.tokens = await self.service.refresh(stolen)
        self.service.clock.advance(minutes=10)
        await self.service.try_refresh(stolen.refresh_token)
        await self.owner.log_in_again()
        await self.post("/auth/logout-all")
        await self.owner.log_in_again()

    async def changes_password_and_address(self) -> None:
        """Do both, each in both ways."""
        service, user = self.service, self.owner.user
        await self.post(
            "/auth/password/change", current_password=user.password, password=NEW_PASSWORD
        )
        await self.post("/auth/password/forgot", email=user.email)
        token = await service.mailed_secret(user.email)
        await self.post("/auth/password/reset", token=token, password=user.password)
        await self.owner.log_in_again()
        email = new_email()
        await self.post("/auth/email/change", email=email)
        token = await service.mailed_secret(email)
        await self.post("/auth/email/verify", token=token, password=user.password)
        self.owner.user = User(user.id, email, user.password)
        await self.owner.log_in_again()

    async def is_administrated(self) -> None:
        """Be disabled, enabled, lose a scope, be logged out, and be deleted at last."""
        auth, user = self.service.auth, self.owner.user
        await administration.disable(auth, user.id)
        await administration.enable(auth, user.id)
        account = await administration.find_account(auth, user.email)
        await administration.set_scope(auth, account, "items:read")
        await administration.end_all_sessions(auth, user.id)
        await self.owner.log_in_again()
        headers = self.owner.tokens.bearer
        assert (await self.service.client.delete("/auth/me", headers=headers)).status_code == 204


async def others(service: Service) -> None:
    """Make accounts in every state, and a registration that waits for its code."""
    living = await Owner.on(service, SCOPE)
    living.tokens = await service.refresh(living.tokens)
    await living.rotate(await living.make(SCOPE))
    await service.client.post("/auth/password/forgot", json={"email": living.user.email})
    disabled = await Owner.on(service, SCOPE)
    await disabled.make(SCOPE)
    await administration.disable(service.auth, disabled.user.id)
    unverified = await Owner.on(service, SCOPE)
    async with service.database() as session:
        this = update(Account).where(Account.id == unverified.user.id)
        await session.execute(this.values(email_verified_at=None))
    body = {"email": new_email(), "password": NEW_PASSWORD}
    assert (await service.client.post("/auth/register", json=body)).status_code == 202
    await service.mails(body["email"])


@pytest.mark.both_databases
async def test_what_is_done_to_one_account_is_done_to_no_other(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    await others(service)
    before = await rows(service)
    assert {"account", "auth_session", RefreshToken.__tablename__} <= {name for name, _ in before}
    assert {"api_key", "single_use_secret", "pending_registration"} <= {name for name, _ in before}
    service.clock.advance(minutes=1)
    user = await service.register(password=NEW_PASSWORD + "-of-mine")
    async with service.database() as session:
        await session.execute(update(Account).where(Account.id == user.id).values(scope=SCOPE))
    subject = Subject(service, Owner(service, user, await service.login(user)))
    await subject.comes_and_goes()
    await subject.uses_keys()
    await subject.changes_password_and_address()
    await subject.is_administrated()
    after = await rows(service)
    assert {key: after.get(key) for key in before} == before
