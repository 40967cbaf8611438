# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The strategy `none`: an access token lives out its 15 minutes; logging out ends the session only.

Denials are recorded all the same, so that a change to another strategy has its source. What was
denied before this process began stays denied: a change to this strategy lets nothing back in.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from app.auth.revocation import Denial, Stores
from app.auth.revocation_memory import MemoryRevocation
from app.auth.security import AccessClaims
from app.auth.settings import BaseAuthSettings
from app.core.clock import Clock
from app.core.database import Database
from app.core.rate_limits_database import DatabaseRateLimiter


class StoreSettings(BaseAuthSettings):
    """The settings of this strategy: none of its own."""


class NoRevocation:
    """Denies nothing new.

    Args:
        before: what was denied before this process began.
    """

    delivers = False

    def __init__(self, before: MemoryRevocation) -> None:
        self._before = before

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Tell whether the token was denied before this process began."""
        return await self._before.is_denied(claims)

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Do nothing: there is no deny-list."""


@asynccontextmanager
async def open_stores(
    settings: BaseAuthSettings, database: Database, clock: Clock
) -> AsyncGenerator[Stores, None]:
    """Open what this strategy needs for the life of the process."""
    before = await MemoryRevocation.from_database(database, clock)
    yield Stores(NoRevocation(before), DatabaseRateLimiter(database, clock))
