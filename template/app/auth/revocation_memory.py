# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The deny-list of one process: where Redis would stand in local use, or what `none` inherits."""

from collections.abc import Sequence
from datetime import datetime

from app.auth.revocation import Denial, read_living_denials
from app.auth.security import AccessClaims
from app.core.clock import Clock
from app.core.database import Database


class MemoryRevocation:
    """A deny-list in this process only.

    Args:
        clock: the service's clock.
    """

    delivers = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._versions: dict[tuple[str, str], tuple[int, datetime]] = {}

    @classmethod
    async def from_database(cls, database: Database, clock: Clock) -> "MemoryRevocation":
        """Return a list that holds every living denial."""
        revocation = cls(clock)
        living = read_living_denials(database, clock.now())
        await revocation.deliver([denial async for batch in living for denial in batch])
        return revocation

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Tell whether token, session or version of the account is on the list."""
        version, _ = self._versions.get(("sub", str(claims.subject)), (0, None))
        return (
            ("jti", claims.token_id) in self._versions
            or ("sid", str(claims.session_id)) in self._versions
            or claims.version < version
        )

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Put denials on the list and forget those that have expired."""
        now = self._clock.now()
        for denial in denials:
            key = (denial.kind, denial.value)
            version, expires_at = self._versions.get(key, (0, now))
            self._versions[key] = (
                max(version, denial.version),
                max(expires_at, denial.expires_at),
            )
        self._versions = {key: held for key, held in self._versions.items() if held[1] > now}
