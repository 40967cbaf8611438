# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""From an API key to its caller, for one worker; verdicts from memory while they hold."""

import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from app.auth import api_key_repository, metrics
from app.auth.api_key_cache import Grant, KeyCache, Reason, Refusal, Verdict
from app.auth.api_key_format import PresentedKey, read_key
from app.auth.api_key_repository import KeyState
from app.auth.api_key_uses import KeyUses
from app.auth.deniable import Deniable, DeniableKey
from app.auth.principal import Principal
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import InvalidToken
from app.core.logging import security_event

_NO_HASH = bytes(32)  # compared with when there is no such key, so that both take the same time


class ApiKeys:
    """The keys as one worker sees them.

    Args:
        database: where they are.
        clock: the service's clock.
        is_denied: asks whether a key in memory was denied meanwhile; None where that would take a
            round trip: then what became of a key is noticed within 30 seconds.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        is_denied: Callable[[Deniable], Awaitable[bool]] | None,
    ) -> None:
        self.uses = KeyUses(database, clock)
        self._database = database
        self._clock = clock
        self._is_denied = is_denied
        self._cache = KeyCache(self._look_up, clock)

    async def authenticate(self, presented: str, read_address: Callable[[], str]) -> Principal:
        """Return the caller who presents this key, and note its use.

        Args:
            presented: as received.
            read_address: where the request came from; asked once a minute for each key.

        Raises:
            InvalidToken: no key of ours, unknown, revoked, expired, owner disabled: one answer.
            ServiceUnavailable: the database does not answer, and the key is not in memory; or
                whether it was denied cannot be known.
            TooManyRequests: too many unknown keys are being tried, and this one is not in memory.
        """
        key = read_key(presented)
        if key is None:
            raise _refused("malformed")
        verdict = await self._cache.verdict(key)
        if isinstance(verdict, Grant) and await self._has_changed(verdict.principal):
            verdict = await self._cache.verdict_after(verdict, key)
        if isinstance(verdict, Refusal):
            raise _refused(verdict.reason, key.id, verdict.account_id)
        if verdict.expires_at <= self._clock.now():
            raise _refused("expired", key.id, verdict.principal.account_id)
        self.uses.note(key.id, read_address)
        return verdict.principal

    async def is_living(self, key_id: str) -> bool:
        """Tell from the database whether a key is good this moment."""
        async with self._database.read() as session:
            found = await api_key_repository.find_state(session, key_id)
        return found is not None and _reason_against(found, self._clock.now()) is None

    def forget_key(self, key_id: str) -> None:
        """Notice at once what has become of a key, before any other worker does."""
        self._cache.forget_key(key_id)

    def forget_account(self, account_id: UUID) -> None:
        """Notice at once what has become of an owner, before any other worker does."""
        self._cache.forget_account(account_id)

    async def _has_changed(self, principal: Principal) -> bool:
        """Tell whether key or owner were changed since they were read, where that can be asked."""
        if self._is_denied is None or principal.key_id is None:
            return False
        return await self._is_denied(
            DeniableKey(principal.key_id, principal.account_id, principal.token_version)
        )

    async def _look_up(self, key: PresentedKey) -> Verdict:
        async with self._database.read() as session:
            found = await api_key_repository.find_state(session, key.id)
        right = hmac.compare_digest(found.key_hash if found else _NO_HASH, key.digest)
        if found is None:
            verdict: Verdict = Refusal("unknown", None)
        else:
            reason = _reason_against(found, self._clock.now()) if right else "wrong_secret"
            verdict = Refusal(reason, found.account_id) if reason else _grant(found)
        metrics.key_lookup(outcome=verdict.reason if isinstance(verdict, Refusal) else "accepted")
        return verdict


def _reason_against(key: KeyState, now: datetime) -> Reason | None:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at <= now:
        return "expired"
    return None if key.owner_active else "owner_inactive"


def _grant(key: KeyState) -> Grant:
    principal = Principal(
        account_id=key.account_id,
        # At most what the owner holds now; and never more than when the key was made.
        scopes=frozenset(key.scope.split()) & frozenset(key.owner_scope.split()),
        session_id=None,
        auth_time=None,
        token_version=key.owner_version,
        kind="user_key" if key.kind == "user" else "service_key",
        key_id=key.id,
    )
    return Grant(principal, key.expires_at)


def _refused(
    reason: str, key_id: str | None = None, account_id: UUID | None = None
) -> InvalidToken:
    # Every refusal is logged alike, so that the log makes no difference in time either.
    metrics.rejection(reason=f"api_key_{reason}")
    security_event("api_key_refused", reason=reason, key_id=key_id, account_id=account_id)
    return InvalidToken()
