# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Migrations run up, down and up again on both databases, and make what the models say."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth.models import RefreshToken
from app.core.database import Base
from tests.auth.support.credentials import Tokens
from tests.auth.support.migrations import config_for, downgrade, upgrade
from tests.auth.support.service import Service

pytestmark = pytest.mark.both_databases

AUTH_TABLES = {
    "account",
    "account_identity",
    "api_key",
    "auth_session",
    "oauth_code",
    "oauth_flow",
    "outbox_message",
    "pending_registration",
    "rate_limit_count",
    "refresh_token",
    "revocation",
    "service_principal",
    "signing_key",
    "single_use_secret",
}
T = TypeVar("T")


async def ask(database_url: str, question: Callable[[Connection], T]) -> T:
    """Ask a database something on a connection of its own."""
    engine = create_async_engine(database_url, poolclass=NullPool)
    async with engine.begin() as connection:
        return await connection.run_sync(question)


async def tables_of(database_url: str) -> set[str]:
    """Return the tables of a database, Alembic's own aside."""
    tables = await ask(database_url, lambda connection: inspect(connection).get_table_names())
    return set(tables) - {"alembic_version"}


def differences(connection: Connection) -> Sequence[object]:
    """Return what the models say and the database does not have, or the other way round."""
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    found: Sequence[object] = compare_metadata(context, Base.metadata)
    return found


async def test_the_migrations_make_exactly_what_the_models_say(database_url: str) -> None:
    assert await ask(database_url, differences) == []


async def test_up_down_and_up_again(empty_database_url: str) -> None:
    url = empty_database_url
    await upgrade(url)
    all_tables = await tables_of(url)
    assert all_tables == set(Base.metadata.tables)
    await downgrade(url, "app@base")
    assert await tables_of(url) == AUTH_TABLES
    await downgrade(url, "auth@base")
    assert await tables_of(url) == set()
    await upgrade(url)
    assert await tables_of(url) == all_tables
    assert await ask(url, differences) == []


async def test_the_auth_branch_stands_alone(empty_database_url: str) -> None:
    await upgrade(empty_database_url, "auth@head")
    assert await tables_of(empty_database_url) == AUTH_TABLES


async def test_your_branch_brings_what_it_depends_on(empty_database_url: str) -> None:
    await upgrade(empty_database_url, "app@head")
    # The first migration of yours needs the first of the template's; later ones come with heads.
    assert await tables_of(empty_database_url) >= {"account", "auth_session", "item"}


async def test_a_migration_that_fails_leaves_nothing_half_done(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went out")

    # The last statement of the branch: everything before it has been sent.
    monkeypatch.setattr("alembic.op.create_index", fail)
    with pytest.raises(RuntimeError, match="power"):
        await upgrade(empty_database_url, "auth@head")
    monkeypatch.undo()
    await upgrade(empty_database_url)
    assert await ask(empty_database_url, differences) == []


async def test_rows_survive_a_second_upgrade(service: Service) -> None:
    user = await service.account()
    await upgrade(service.settings.database_url)
    assert (await service.login(user)).claims["sub"] == str(user.id)


async def test_every_foreign_key_to_an_account_has_an_index(database_url: str) -> None:
    # Without one, deleting an account locks the whole table on PostgreSQL.
    def without_index(connection: Connection) -> set[tuple[str, str]]:
        found = set()
        for table in inspect(connection).get_table_names():
            inspector = inspect(connection)
            indexed = {index["column_names"][0] for index in inspector.get_indexes(table)}
            indexed |= {
                unique["column_names"][0] for unique in inspector.get_unique_constraints(table)
            }
            indexed |= {inspector.get_pk_constraint(table)["constrained_columns"][0]}
            for key in inspector.get_foreign_keys(table):
                column = key["constrained_columns"][0]
                if column not in indexed:
                    found.add((table, column))
        return found

    assert await ask(database_url, without_index) == set()


async def test_the_database_refuses_a_second_successor_of_a_refresh_token(
    service: Service, tokens: Tokens
) -> None:
    # The last line of defence against a fork, whatever the code above it does.
    async with service.database() as session:
        of_session = RefreshToken.session_id == UUID(tokens.claims["sid"])
        (token,) = await session.scalars(select(RefreshToken).where(of_session))
    fork = RefreshToken(
        session_id=token.session_id,
        generation=token.generation,
        token_hash=b"x" * 32,
        salt=token.salt,
        issued_at=token.issued_at,
    )
    with pytest.raises(IntegrityError):
        async with service.database() as session:
            session.add(fork)


async def test_there_are_two_branches_and_each_has_one_head() -> None:
    script = ScriptDirectory.from_config(config_for("sqlite+aiosqlite://"))
    assert len(script.get_revisions("auth@head")) == 1
    assert len(script.get_revisions("app@head")) == 1
    for revision in script.walk_revisions("base", "auth@head"):
        assert revision.branch_labels == {"auth"}, "the template depends on nothing of yours"
