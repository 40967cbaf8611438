# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""API keys as a test holds them, and what it asks the service about them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from app import scopes
from app.auth import api_key_administration, service_principals
from app.auth.api_key_format import make_key
from app.auth.runtime import Auth
from app.core.database import Database
from tests.auth.support import probe
from tests.auth.support.credentials import Tokens, User, bearer
from tests.auth.support.kit import Kit
from tests.auth.support.service import Deployment, Service

REFUSED = (403, "credential_not_accepted")


@dataclass(frozen=True)
class Key:
    """An API key as its user holds it."""

    id: str
    text: str

    @property
    def header(self) -> dict[str, str]:
        """The header of its own."""
        return {"X-API-Key": self.text}

    @property
    def bearer(self) -> dict[str, str]:
        """The same key as a bearer token."""
        return bearer(self.text)


@dataclass
class Owner:
    """An account that is logged in and makes keys over HTTP."""

    service: Deployment
    user: User
    tokens: Tokens

    @classmethod
    async def on(cls, service: Deployment, scope: str = probe.ALL) -> "Owner":
        """Return the owner of a new account."""
        user = await service.account(scope)
        return cls(service, user, await service.login(user))

    async def make(self, scope: str = probe.ALL, **body: object) -> Key:
        """Make a key."""
        return key_of(await self.try_make(scope, **body))

    async def try_make(self, scope: str = probe.ALL, **body: object) -> httpx2.Response:
        """Ask for a key and return whatever the service answers."""
        content = {"label": "a key of a test", "scope": scope, **body}
        return await self.service.client.post(
            "/auth/api-keys", json=content, headers=self.tokens.bearer
        )

    async def rotate(self, key: Key) -> Key:
        """Make a successor."""
        return key_of(await self.try_rotate(key))

    async def try_rotate(self, key: Key) -> httpx2.Response:
        """Ask for a successor and return whatever the service answers."""
        return await self.service.client.post(
            f"/auth/api-keys/{key.id}/rotate", headers=self.tokens.bearer
        )

    async def revoke(self, key: Key) -> httpx2.Response:
        """Revoke a key."""
        return await self.service.client.delete(
            f"/auth/api-keys/{key.id}", headers=self.tokens.bearer
        )

    async def list(self) -> list[dict[str, Any]]:
        """Return what the service says about this owner's keys."""
        response = await self.service.client.get("/auth/api-keys", headers=self.tokens.bearer)
        assert response.status_code == 200, response.text
        listed: list[dict[str, Any]] = response.json()
        return listed

    async def log_in_again(self) -> None:
        """Take new tokens, as when time has passed."""
        self.tokens = await self.service.login(self.user)


def key_of(response: httpx2.Response) -> Key:
    """Return the key of an answer that made one."""
    assert response.status_code == 201, f"{response.status_code}: {response.text}"
    body = response.json()
    return Key(body["id"], body["api_key"])


def unknown_key() -> Key:
    """Return a key of the right form that nobody made."""
    text, parts = make_key("user")
    return Key(parts.id, text)


async def service_key(auth: Auth, scope: str = probe.ALL) -> tuple[str, Key]:
    """Make a service principal with a key; return its name too."""
    name = f"robot-{secrets.token_hex(4)}"
    await service_principals.create(auth, name, scope)
    made = await api_key_administration.create_key(
        auth, f"svc:{name}", "a key of a test", None, timedelta(days=90)
    )
    return name, Key(made.row.id, made.text)


async def use(client: httpx2.AsyncClient, key: Key, path: str = "/probe") -> int:
    """Use a key and return the status."""
    response = await client.get(path, headers=key.header)
    return response.status_code


@asynccontextmanager
async def probed(kit: Kit, patch: pytest.MonkeyPatch, **settings: object) -> AsyncIterator[Service]:
    """Run a service with the probe, on a database and with an allowance of its own."""
    for name, meaning in probe.SCOPES.items():
        patch.setitem(scopes.SCOPES, name, meaning)
    async with kit.running(probe.create_with_probe, **settings) as service:
        yield service


class Statements:
    """Counts the statements that an app sends to its database about keys."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        self._engine = database.engine.sync_engine

    def __enter__(self) -> "Statements":
        event.listen(self._engine, "before_cursor_execute", self._see)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._see)

    def _see(self, connection: object, cursor: object, statement: str, *_: object) -> None:
        self.count += "FROM api_key" in statement
