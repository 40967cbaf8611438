"""Sessions in PostgreSQL: one look-up a request, by the ORM or by a Core statement."""

import asyncio
import os
from typing import Annotated

from common import print_headers
from fastapi import Cookie, Depends, FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from tables import Session, User, engine, fill, get_session

app = FastAPI()


async def by_orm(
    session_id: Annotated[str, Cookie()], session: Annotated[AsyncSession, Depends(get_session)]
) -> str:
    """Return the user of a session, with both objects loaded."""
    found = await session.get(Session, session_id)
    if found is None or not found.user.active:
        raise HTTPException(401)
    return str(found.user.id)


async def by_core(session_id: Annotated[str, Cookie()]) -> str:
    """Return the user of a session, by one statement on one connection."""
    statement = select(User.id).join(Session).where(Session.token == session_id, User.active)
    async with engine.connect() as connection:
        found = await connection.scalar(statement)
    if found is None:
        raise HTTPException(401)
    return str(found)


current_user = by_core if os.environ.get("BENCH_CORE") else by_orm


@app.get("/ping")
async def ping(user: Annotated[str, Depends(current_user)]) -> dict[str, str]:
    """Answer who is known."""
    return {"answer": "pong"}


if __name__ == "__main__":
    print_headers([f"session_id={token}" for _, token in asyncio.run(fill())], "Cookie")
