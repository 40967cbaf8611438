# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The strategy `none`: an access token lives out its 15 minutes; logging out ends the session only.

Denials are recorded all the same, so that a change to another strategy has its source.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from app.auth.revocation import Denial, Stores
from app.auth.security import AccessClaims
from app.auth.settings import BaseAuthSettings
from app.core.clock import Clock
from app.core.database import Database
from app.core.rate_limits_database import DatabaseRateLimiter


class AuthSettings(BaseAuthSettings):
    """The settings of this strategy: none of its own."""


class NoRevocation:
    """Denies nothing."""

    delivers = False

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Return False."""
        return False

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Do nothing: there is no deny-list."""


@asynccontextmanager
async def open_stores(
    settings: BaseAuthSettings, database: Database, clock: Clock
) -> AsyncGenerator[Stores, None]:
    """Open what this strategy needs for the life of the process."""
    yield Stores(NoRevocation(), DatabaseRateLimiter(database, clock))
