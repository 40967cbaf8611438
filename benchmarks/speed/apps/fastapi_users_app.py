"""fastapi-users as its documentation sets it up, with the JWT, Redis or database strategy."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from common import DATABASE_URL, REDIS_URL, TOKENS, print_headers
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    JWTStrategy,
    RedisStrategy,
)
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

STRATEGY = os.environ["BENCH_STRATEGY"]
SECRET = "benchmark-only-0123456789abcdef0123456789abcdef"
LIFETIME = 3600  # seconds

engine = create_async_engine(DATABASE_URL, pool_size=20)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The base of both tables."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """The library's user."""


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    """The library's token."""


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):
    """The library's manager."""


async def get_session() -> AsyncIterator[AsyncSession]:
    """Give a dependency its session."""
    async with new_session() as session:
        yield session


async def get_user_db(session: Annotated[AsyncSession, Depends(get_session)]) -> Any:
    """Give the users."""
    yield SQLAlchemyUserDatabase(session, User)


async def get_token_db(session: Annotated[AsyncSession, Depends(get_session)]) -> Any:
    """Give the tokens."""
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


async def get_user_manager(user_db: Annotated[Any, Depends(get_user_db)]) -> Any:
    """Give the manager."""
    yield UserManager(user_db)


def jwt_strategy() -> Any:
    """Return the strategy `jwt`."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=LIFETIME)


redis = Redis.from_url(REDIS_URL, decode_responses=True) if STRATEGY == "redis" else None


def redis_strategy() -> Any:
    """Return the strategy `redis`."""
    return RedisStrategy(redis, lifetime_seconds=LIFETIME)


def database_strategy(tokens: Annotated[Any, Depends(get_token_db)]) -> Any:
    """Return the strategy `database`."""
    return DatabaseStrategy(tokens, lifetime_seconds=LIFETIME)


STRATEGIES = {"jwt": jwt_strategy, "redis": redis_strategy, "database": database_strategy}
backend = AuthenticationBackend(
    STRATEGY, transport=BearerTransport("auth/login"), get_strategy=STRATEGIES[STRATEGY]
)
users = FastAPIUsers[User, UUID](get_user_manager, [backend])
app = FastAPI()


@app.get("/ping")
async def ping(user: Annotated[User, Depends(users.current_user(active=True))]) -> dict[str, str]:
    """Answer who is known."""
    return {"answer": "pong"}


async def seed() -> list[str]:
    """Make users and a token of each."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with asynccontextmanager(get_session)() as session:
        rows = [User(email=f"{n}@example.com", hashed_password="-") for n in range(TOKENS)]
        session.add_all(rows)
        await session.commit()
        database = SQLAlchemyAccessTokenDatabase(session, AccessToken)
        make = STRATEGIES[STRATEGY]
        strategy = make(database) if STRATEGY == "database" else make()
        tokens = [await strategy.write_token(row) for row in rows]
    await engine.dispose()
    return tokens


if __name__ == "__main__":
    print_headers([f"Bearer {token}" for token in asyncio.run(seed())])
