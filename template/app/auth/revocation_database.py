# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The strategy `database`: requests look up the tables, so each denial holds once committed.

The look-ups of requests that come while one is under way are one statement.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import and_, bindparam, null, or_, select, type_coerce, union_all

from app.auth.models import Account, Revocation
from app.auth.revocation import Denial, Stores
from app.auth.security import AccessClaims
from app.auth.settings import BaseAuthSettings
from app.core.batching import Batches
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import ServiceUnavailable
from app.core.rate_limits_database import DatabaseRateLimiter

MAX_LOOK_UPS = 256  # in one statement
NOBODY = float("inf")  # above every version

Value = TypeVar("Value")

# Made once: making it takes as long as asking it.
_LOOK_UPS = union_all(
    select(Revocation.kind, Revocation.value, type_coerce(null(), Account.id.type), null()).where(
        or_(
            and_(Revocation.kind == "jti", Revocation.value.in_(bindparam("tokens"))),
            and_(Revocation.kind == "sid", Revocation.value.in_(bindparam("sessions"))),
        )
    ),
    select(null(), null(), Account.id, Account.token_version).where(
        Account.id.in_(bindparam("accounts")), Account.active
    ),
)


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
        self._look_ups = Batches(self._are_denied, MAX_LOOK_UPS)

    async def is_denied(self, claims: AccessClaims) -> bool:
        """Tell whether token, session or version of the account is denied, in one statement."""
        try:
            return await self._look_ups.ask(claims)
        except ServiceUnavailable:
            if self._fail_open:
                return False
            raise

    async def _are_denied(self, asked: Sequence[AccessClaims]) -> Sequence[bool]:
        look_ups = {
            "tokens": _rounded_up([claims.token_id for claims in asked]),
            "sessions": _rounded_up([str(claims.session_id) for claims in asked]),
            "accounts": _rounded_up([claims.subject for claims in asked]),
        }
        async with self._database.statement() as session:
            rows = (await session.execute(_LOOK_UPS, look_ups)).all()
        denied = {(kind, value) for kind, value, _, _ in rows}
        # A deleted account has no row here, so that its tokens are denied as well.
        versions = {account: version for _, _, account, version in rows if account}
        return [
            ("jti", claims.token_id) in denied
            or ("sid", str(claims.session_id)) in denied
            or versions.get(claims.subject, NOBODY) > claims.version
            for claims in asked
        ]

    async def deliver(self, denials: Sequence[Denial]) -> None:
        """Do nothing: a committed denial holds already."""


@asynccontextmanager
async def open_stores(
    settings: BaseAuthSettings, database: Database, clock: Clock
) -> AsyncGenerator[Stores, None]:
    """Open what this strategy needs for the life of the process."""
    revocation = DatabaseRevocation(database, fail_open=settings.revocation_fail_open)
    yield Stores(revocation, DatabaseRateLimiter(database, clock))


def _rounded_up(values: Iterable[Value]) -> Sequence[Value]:
    """Return the values, one of them so often that their number is a power of two.

    Else the database would have as many statements to prepare as there may be values.
    """
    found = list(dict.fromkeys(values))
    return found + found[-1:] * ((1 << (len(found) - 1).bit_length()) - len(found))
