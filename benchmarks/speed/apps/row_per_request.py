"""A JWT and the user's row, loaded by the ORM at each request: the pattern of many starters."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import jwt
from common import print_headers
from fastapi import Depends, FastAPI, HTTPException
from jwt_route import ALGORITHM, VERIFY_WITH, oauth2_scheme
from sqlalchemy.ext.asyncio import AsyncSession
from tables import User, fill, get_session

app = FastAPI()


async def current_user(
    token: Annotated[str, Depends(oauth2_scheme)],
    session: Annotated[AsyncSession, Depends(get_session)],
) -> User:
    """Return the row of the user whom a valid token names."""
    try:
        payload = jwt.decode(token, VERIFY_WITH, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    user = await session.get(User, UUID(payload["sub"]))
    if user is None or not user.active:
        raise HTTPException(401)
    return user


@app.get("/ping")
async def ping(user: Annotated[User, Depends(current_user)]) -> dict[str, str]:
    """Answer who is known."""
    return {"answer": "pong"}


if __name__ == "__main__":
    expires = datetime.now(UTC) + timedelta(hours=1)
    claims = [{"sub": str(user), "exp": expires} for user, _ in asyncio.run(fill())]
    secret = os.environ["BENCH_SIGN_WITH"]
    print_headers([f"Bearer {jwt.encode(each, secret, algorithm=ALGORITHM)}" for each in claims])
