"""authx as its documentation sets it up; with a blocklist, Redis is asked."""

import os
from typing import Annotated, Any
from uuid import uuid4

from authx import AuthX, AuthXConfig
from common import REDIS_URL, TOKENS, print_headers
from fastapi import Depends, FastAPI
from redis.asyncio import Redis

config = AuthXConfig(
    JWT_SECRET_KEY="benchmark-only-0123456789abcdef0123456789abcdef",
    JWT_TOKEN_LOCATION=["headers"],
)
security: AuthX[Any] = AuthX(config=config)
app = FastAPI()
security.handle_errors(app)

if os.environ.get("BENCH_BLOCKLIST"):
    redis = Redis.from_url(REDIS_URL)

    async def is_revoked(token: str) -> bool:
        """Look the token up in Redis."""
        return bool(await redis.exists(f"revoked:{token}"))

    security.set_callback_token_blocklist(is_revoked)


@app.get("/ping")
async def ping(user: Annotated[Any, Depends(security.access_token_required)]) -> dict[str, str]:
    """Answer who is known."""
    return {"answer": "pong"}


if __name__ == "__main__":
    tokens = [security.create_access_token(uid=str(uuid4())) for _ in range(TOKENS)]
    print_headers([f"Bearer {token}" for token in tokens])
