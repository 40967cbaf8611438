"""Accounts with a session each, and what a refresh and a logout ask of the database.

python gatehouse_sessions.py seed NUMBER      print what the owners hold, as JSON
python gatehouse_sessions.py statements       print the SQL of one refresh and logout, as JSON
"""

import asyncio
import json
import sys
from typing import Any
from uuid import uuid4

from gatehouse_app import create
from sqlalchemy import event

from app.auth import logout, service
from app.auth.issuing import IssuedTokens
from app.auth.models import Account
from app.auth.runtime import Auth

PASSWORD = "tangerine-Wharf-90-lantern"
CLIENT = service.Client("198.19.0.1", "benchmark")
SCOPE = "items:read items:write"


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
    app = create()
    async with app.router.lifespan_context(app):
        return [
            {
                "email": email,
                "password": PASSWORD,
                "access": issued.access_token,
                "refresh": issued.refresh_token,
            }
            for email, issued in await logged_in(app.state.auth, number)
        ]


def listen(engine: Any, seen: list[str]) -> None:
    """Note the first word of everything that goes to the database, BEGIN and COMMIT included."""

    def learn(connection: Any, record: object) -> None:
        # SQLAlchemy tells of a BEGIN that asyncpg sends later, or never; asyncpg of these only.
        connection.driver_connection.add_query_logger(lambda query: seen.append(word(query.query)))

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(word(statement))

    event.listen(engine, "after_cursor_execute", note)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "commit", lambda connection: seen.append("COMMIT"))
    else:
        event.listen(engine, "connect", learn)


def word(statement: str) -> str:
    """Return the first word of a statement."""
    return statement.split()[0].rstrip(";")


async def statements() -> dict[str, list[str]]:
    """Return the statements of one refresh and of one logout."""
    app, seen = create(), list[str]()
    listen(app.state.database.engine.sync_engine, seen)
    refreshes, logouts = list[list[str]](), list[list[str]]()
    async with app.router.lifespan_context(app):
        auth: Auth = app.state.auth
        for _, issued in await logged_in(auth, 5):
            seen.clear()
            issued = await service.refresh(auth, issued.refresh_token, CLIENT)
            refreshes.append(seen[:])
            seen.clear()
            await logout.log_out_by_refresh_token(auth, issued.refresh_token, CLIENT.address)
            logouts.append(seen[:])
    # The shortest of several: the service's own jobs ask the database too, now and then.
    return {"refresh": min(refreshes, key=len), "logout": min(logouts, key=len)}


if __name__ == "__main__":
    if sys.argv[1] == "seed":
        made: object = asyncio.run(seed(int(sys.argv[2])))
    else:
        made = asyncio.run(statements())
    json.dump(made, sys.stdout)
