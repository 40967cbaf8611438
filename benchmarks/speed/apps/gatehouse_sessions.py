"""Accounts with a session each, and what a refresh asks of the database.

python gatehouse_sessions.py seed NUMBER      print what the owners hold, as JSON
python gatehouse_sessions.py statements       print the SQL statements of one refresh, as JSON
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from gatehouse_app import create
from sqlalchemy import event

from app.auth import service
from app.auth.issuing import IssuedTokens
from app.auth.models import Account
from app.auth.runtime import Auth

PASSWORD = "tangerine-Wharf-90-lantern"
CLIENT = service.Client("198.19.0.1", "benchmark")
SCOPE = "items:read items:write"


@asynccontextmanager
async def running() -> AsyncIterator[Auth]:
    """Give the parts of the app while it runs."""
    app = create()
    async with app.router.lifespan_context(app):
        yield app.state.auth


async def logged_in(auth: Auth, number: int) -> list[tuple[str, IssuedTokens]]:
    """Return new accounts' addresses and tokens, as a login gives them."""
    # One hash for all: what is measured is how long it takes to compare with it.
    password_hash, now = await auth.passwords.hash(PASSWORD), auth.clock.now()
    accounts = [
        Account(
            id=uuid4(),
            email=f"{uuid4().hex}@example.com",
            email_verified_at=now,
            password_hash=password_hash,
            scope=SCOPE,
            active=True,
            token_version=0,
            created_at=now,
        )
        for _ in range(number)
    ]
    async with auth.database.transaction() as session:
        session.add_all(accounts)
    return [
        (str(account.email), await service.start_session(auth, account, None, CLIENT))
        for account in accounts
    ]


async def seed(number: int) -> list[dict[str, str]]:
    """Return what the owners of so many new sessions hold."""
    async with running() as auth:
        return [
            {
                "email": email,
                "password": PASSWORD,
                "access": issued.access_token,
                "refresh": issued.refresh_token,
            }
            for email, issued in await logged_in(auth, number)
        ]


async def statements() -> list[str]:
    """Return the statements of one refresh, each by its first word."""
    seen: list[str] = []
    async with running() as auth:
        [(_, issued)] = await logged_in(auth, 1)
        engine = auth.database.engine.sync_engine
        # The shortest of several: the service's own jobs ask the database too, now and then.
        runs: list[list[str]] = []
        event.listen(engine, "commit", lambda connection: seen.append("COMMIT"))
        event.listen(
            engine,
            "before_cursor_execute",
            lambda connection, cursor, statement, *rest: seen.append(statement.split()[0]),
        )
        for _ in range(5):
            seen.clear()
            issued = await service.refresh(auth, issued.refresh_token, CLIENT)
            runs.append(seen[:])
    return min(runs, key=len)


if __name__ == "__main__":
    if sys.argv[1] == "seed":
        made: object = asyncio.run(seed(int(sys.argv[2])))
    else:
        made = asyncio.run(statements())
    json.dump(made, sys.stdout)
