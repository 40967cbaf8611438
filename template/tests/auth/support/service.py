# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The service as a test sees it: over HTTP, with a look at its mails and at its database."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from ipaddress import IPv4Address
from itertools import count
from typing import Any, cast
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI
from sqlalchemy import CursorResult, NullPool, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.auth.models import Account
from app.auth.runtime import Auth
from app.core.mail import Mail
from app.settings import Settings
from tests.auth.support.clock import MovableClock
from tests.auth.support.credentials import (
    PASSWORD,
    SAME_ORIGIN,
    Tokens,
    User,
    new_email,
    password_hash,
    tokens_of,
)
from tests.auth.support.mails import KeptMails, secret_in
from tests.auth.support.settings import ORIGIN

MAIL_SECONDS = 20.0  # the workers look for due mail every 5
# 198.18.0.0/15 is for tests (RFC 2544); each client has an address, and so limits, of its own.
_addresses = count(int(IPv4Address("198.18.0.1")))

# httpx2 imports it at each request; where it is not installed, Python would search every folder.
if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment] # None: an ImportError at once


class Deployment:
    """What is under test, one app or several processes: HTTP, mails, a database seen from outside.

    Args:
        settings: what it runs with.
        clock: the clock that it reads.
        mails: where its mails arrive.
        client: sends requests to it.
    """

    def __init__(
        self,
        settings: Settings,
        clock: MovableClock,
        mails: KeptMails,
        client: httpx2.AsyncClient,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sent_mails = mails
        self.client = client
        # No pool: each connection is a new one, which sees what is committed and nothing else.
        self._engine = create_async_engine(settings.database_url, poolclass=NullPool)

    @property
    def backend(self) -> str:
        """The kind of its database: "sqlite" or "postgres"."""
        return "sqlite" if self.settings.database_url.startswith("sqlite") else "postgres"

    @asynccontextmanager
    async def database(self) -> AsyncIterator[AsyncSession]:
        """Open a session on a connection of its own, so that only committed data is seen."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    async def sql(self, statement: str, **parameters: object) -> list[dict[str, Any]]:
        """Run one statement on a fresh connection, commit, and return its rows."""
        async with self.database() as session:
            result = cast(CursorResult[Any], await session.execute(text(statement), parameters))
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    async def account(self, scope: str = "items:read items:write") -> User:
        """Return the owner of a new verified account.

        Inserted and not registered: a hundred tests need one, and registration has its own.
        """
        user = User(uuid4(), new_email())
        async with self.database() as session:
            session.add(
                Account(
                    id=user.id,
                    email=user.email,
                    email_verified_at=self.clock.now(),
                    password_hash=password_hash(),
                    scope=scope,
                    created_at=self.clock.now(),
                )
            )
        return user

    async def register(self, email: str | None = None, password: str = PASSWORD) -> User:
        """Register over HTTP, read the mail, verify, and return the account's owner."""
        email = email or new_email()
        body = {"email": email, "password": password}
        response = await self.client.post("/auth/register", json=body)
        assert response.status_code == 202, response.text
        body = {"token": await self.mailed_secret(email), "password": password}
        response = await self.client.post("/auth/email/verify", json=body)
        assert response.status_code == 204, response.text
        rows = await self.sql("SELECT id FROM account WHERE email = :email", email=email)
        return User(UUID(str(rows[0]["id"])), email, password)

    async def login(self, user: User, scope: str = "") -> Tokens:
        """Log in by the form, with the refresh token in the body."""
        form = {"username": user.email, "password": user.password, "scope": scope}
        return tokens_of(await self.client.post("/auth/token", data=form))

    async def cookie_login(self, user: User) -> Tokens:
        """Log in as a browser does, with the refresh token in the cookie."""
        body = {"email": user.email, "password": user.password}
        return tokens_of(await self.client.post("/auth/session", json=body, headers=SAME_ORIGIN))

    async def refresh(self, tokens: Tokens) -> Tokens:
        """Exchange the refresh token for a new pair."""
        return tokens_of(await self.try_refresh(tokens.refresh_token))

    async def try_refresh(self, refresh_token: str) -> httpx2.Response:
        """Present a refresh token and return whatever the service answers."""
        return await self.client.post("/auth/refresh", json={"refresh_token": refresh_token})

    async def mails(self, address: str) -> list[Mail]:
        """Return the mails to one address that the service has sent, once none is waiting."""
        # A mail that was taken to be sent stays in its row until it was; a failed one stays longer.
        attempts = 1 if self.sent_mails.fails else 1000
        waiting = "SELECT id FROM outbox_message WHERE attempts < :attempts"
        async with asyncio.timeout(MAIL_SECONDS):
            while await self.sql(waiting, attempts=attempts):
                await self._hurry_mails()
        return self.sent_mails.to(address)

    async def _hurry_mails(self) -> None:
        """Let the workers send; they look every few seconds."""
        await asyncio.sleep(0.05)

    async def mailed_secret(self, address: str) -> str:
        """Return the single-use secret in the newest mail to one address."""
        return secret_in((await self.mails(address))[-1])


class Service(Deployment):
    """One app in this process, with its lifespan running.

    Args:
        app: the app as production builds it.
        settings: what it was built with.
        clock: the clock that was given to it.
        mails: the sender that was given to it.
    """

    def __init__(
        self, app: FastAPI, settings: Settings, clock: MovableClock, mails: KeptMails
    ) -> None:
        self.app = app
        super().__init__(settings, clock, mails, self.new_client())

    @property
    def auth(self) -> Auth:
        """The parts of authentication that the running app holds."""
        auth: Auth = self.app.state.auth
        return auth

    async def _hurry_mails(self) -> None:
        """Send what is due now, in place of the app's own job."""
        await self.auth.outbox.deliver_due()

    def new_client(
        self, address: str | None = None, *, keep_cookies: bool = False
    ) -> httpx2.AsyncClient:
        """Return a client with a network address of its own.

        Args:
            address: its address; None: one that no other client has.
            keep_cookies: whether it keeps cookies as a browser does.
        """
        address = address or str(IPv4Address(next(_addresses)))
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        jar = CookieJar(None if keep_cookies else DefaultCookiePolicy(allowed_domains=[]))
        return httpx2.AsyncClient(
            transport=transport, base_url=ORIGIN, cookies=jar, trust_env=False
        )
