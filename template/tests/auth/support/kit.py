# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Builds the service on databases of one kind, cheaply enough for a test to have its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from app.auth.derived_keys import DerivedKeys
from app.auth.key_store import KeyStore
from app.auth.wiring import signing_algorithm
from app.core.clock import Clock
from app.core.database import Database
from app.main import create
from app.settings import Settings
from tests.auth.support.clock import START, MovableClock
from tests.auth.support.databases import Databases
from tests.auth.support.mails import KeptMails
from tests.auth.support.migrations import upgrade
from tests.auth.support.redis_urls import RedisUrls
from tests.auth.support.service import Service
from tests.auth.support.settings import SECRET_KEY, build_settings, settings_values

# A shared app whose clock was moved this far makes way for a new one: its keys would soon rotate.
SHARED_FOR = timedelta(days=30)


class Kit:
    """Makes databases and services on one kind of database.

    Args:
        databases: where databases are made.
        redis_urls: gives each service a Redis; None where the service uses none.
    """

    def __init__(self, databases: Databases, redis_urls: RedisUrls | None) -> None:
        self._databases = databases
        self._redis_urls = redis_urls
        self._template = ""
        self._shared: Service | None = None
        self._closing = AsyncExitStack()

    async def prepare(self) -> None:
        """Migrate the database that all others are copied from, and make its signing keys."""
        self._template = await self.empty_database()
        await upgrade(self._template)
        settings = build_settings(settings_values(self._template))
        database = Database(self._template)
        keys = DerivedKeys([SECRET_KEY])
        store = KeyStore(database, keys, signing_algorithm, settings.access_lifetime)
        await store.rotate_if_due(START)
        await database.dispose()

    async def empty_database(self) -> str:
        """Make a database without any table and return its address."""
        return await self._databases.create()

    async def database(self) -> str:
        """Make a migrated database with a signing key and return its address."""
        return await self._databases.create(self._template)

    async def settings_values(self, **overrides: object) -> dict[str, Any]:
        """Return settings by name, with a database and a Redis of their own."""
        redis_url = self._redis_urls.take() if self._redis_urls else None
        values = settings_values(await self.database(), redis_url) | overrides
        if values.get("redis_url") and "redis_key_prefix" not in overrides:
            from tests.auth.support.new_epoch import begin_settled

            await begin_settled(values["redis_url"], values["redis_key_prefix"])
        return values

    async def shared_service(self) -> Service:
        """Return the service that tests share, with a client that no other test has."""
        if self._shared and self._shared.clock.now() - START > SHARED_FOR:
            await self.close()
        if self._shared is None:
            self._shared = await self._closing.enter_async_context(self.running())
        self._shared.client = self._shared.new_client()
        return self._shared

    @asynccontextmanager
    async def running(
        self, build: Callable[[Settings, Clock], FastAPI] = create, **overrides: object
    ) -> AsyncIterator[Service]:
        """Run the service on a database of its own.

        Args:
            build: makes the app; the factory of production unless a test has routes of its own.
            overrides: settings that differ from those of the tests.
        """
        settings = build_settings(await self.settings_values(**overrides))
        clock, mails = MovableClock(), KeptMails()
        app = build(settings, clock)
        async with app.router.lifespan_context(app):
            app.state.auth.outbox.sender = mails
            yield Service(app, settings, clock, mails)

    async def close(self) -> None:
        """Stop the shared service."""
        self._shared = None
        await self._closing.aclose()
