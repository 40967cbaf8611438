# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The strategy `database`: one indexed look-up a request, and every denial holds when committed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import and_, exists, or_, select

from app.auth.models import Account, Revocation
from app.auth.revocation import Denial, Stores
from app.auth.security import AccessClaims
from app.auth.settings import BaseAuthSettings
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ServiceUnavailable
from app.core.rate_limits_database import DatabaseRateLimiter


class StoreSettings(BaseAuthSettings):
    """The settings of this strategy: none of its own."""


class DatabaseRevocation:
    """Asks the tables themselves: the account's version and the denials of token and session.

    Args:
        database: where they are.
        fail_open: whether to answer "not denied" when they cannot be read.
    """

    delivers = False

    def __init__(self, database: Database, *, fail_open: bool) -> None:
        self._database = database
        self._fail_open = fail_open

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Tell whether token, session or version of the account is denied, in one statement."""
        denied = exists().where(
            or_(
                and_(Revocation.kind == "jti", Revocation.value == claims.token_id),
                and_(Revocation.kind == "sid", Revocation.value == str(claims.session_id)),
            )
        )
        # A deleted account has no row here, so that it is denied as well.
        current = exists().where(
            Account.id == claims.subject,
            Account.active,
            Account.token_version <= claims.version,
        )
        try:
            async with self._database.statement() as session:
                return bool(await session.scalar(select(or_(denied, ~current))))
        except ServiceUnavailable:
            if self._fail_open:
                return False
            raise

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Do nothing: a committed denial holds already."""


@asynccontextmanager
async def open_stores(
    settings: BaseAuthSettings, database: Database, clock: Clock
) -> AsyncGenerator[Stores, None]:
    """Open what this strategy needs for the life of the process."""
    revocation = DatabaseRevocation(database, fail_open=settings.revocation_fail_open)
    yield Stores(revocation, DatabaseRateLimiter(database, clock))
