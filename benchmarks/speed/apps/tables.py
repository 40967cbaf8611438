"""Users and their sessions in PostgreSQL, for the apps that look them up."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

from common import DATABASE_URL, TOKENS
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

engine = create_async_engine(DATABASE_URL, pool_size=20)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The base of both tables."""


class User(Base):
    """Who logged in."""

    __tablename__ = "bench_user"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)


class Session(Base):
    """A login, under what its cookie says."""

    __tablename__ = "bench_session"

    token: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("bench_user.id"))
    user: Mapped[User] = relationship(lazy="joined")


async def get_session() -> AsyncIterator[AsyncSession]:
    """Give a route its session."""
    async with new_session() as session:
        yield session


async def fill() -> list[tuple[UUID, str]]:
    """Make the tables anew; return the id and the session token of each user."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    users = [User(id=uuid4(), email=f"{number}@example.com") for number in range(TOKENS)]
    made = [Session(token=uuid4().hex, user=user) for user in users]
    async with new_session() as session:
        session.add_all(made)
        await session.commit()
    await engine.dispose()
    return [(each.user.id, each.token) for each in made]
