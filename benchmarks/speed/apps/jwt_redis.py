"""A JWT whose id is looked up in Redis, as tutorials write it: one client, one GET a request."""

from typing import Annotated

import jwt
from common import REDIS_URL
from fastapi import Depends, FastAPI, HTTPException
from jwt_route import ALGORITHM, VERIFY_WITH, oauth2_scheme
from redis.asyncio import Redis

app = FastAPI()
redis = Redis.from_url(REDIS_URL)


async def current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    """Return the subject of a valid token that is on no deny-list."""
    try:
        payload = jwt.decode(token, VERIFY_WITH, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    if await redis.get(f"revoked:{payload['jti']}"):
        raise HTTPException(401)
    subject: str = payload["sub"]
    return subject


@app.get("/ping")
async def ping(user: Annotated[str, Depends(current_user)]) -> dict[str, str]:
    """Answer who is known."""
    return {"answer": "pong"}
