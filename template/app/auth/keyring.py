# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The signing keys as one worker holds them; which key does what follows from the clock alone.

pending (published, not signing) -> active -> retiring (verifies only) -> gone; revoked is gone at
once. All workers read the same rows and the same clock, so they agree without talking.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from app.auth.signing import TokenKey
from app.core.clock import Clock
from app.core.errors import ServiceUnavailable

RELOAD_EVERY = timedelta(seconds=10)  # a revoked key is gone in every worker within 30 s
UNKNOWN_KID_RELOAD_EVERY = timedelta(seconds=30)  # tokens with made-up kids cost one query in 30 s

log = structlog.get_logger()


@dataclass(frozen=True)
class LoadedKey:
    """A signing key that is not revoked, unsealed, with its times."""

    token_key: TokenKey
    public_jwk: dict[str, Any] | None
    sign_from: datetime
    sign_until: datetime
    verify_until: datetime


class Keyring:
    """The keys of one worker.

    Args:
        load: reads every key that is not revoked from the database.
        clock: the service's clock.
    """

    def __init__(self, load: Callable[[], Awaitable[Sequence[LoadedKey]]], clock: Clock) -> None:
        self._load = load
        self._clock = clock
        self._keys: dict[str, LoadedKey] = {}
        self._on_change: list[Callable[[], None]] = []
        self._one_reload = asyncio.Lock()
        self._last_unknown_kid_reload: datetime | None = None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have a function called whenever a key has come or gone."""
        self._on_change.append(listener)

    def find(self, kid: str) -> TokenKey | None:
        """Return the key that verifies tokens with this kid now, from memory."""
        key = self._keys.get(kid)
        return key.token_key if key and self._verifies(key) else None

    def signer(self) -> TokenKey:
        """Return the key that signs now.

        Raises:
            ServiceUnavailable: there is no key at all.
        """
        key = self._signing_key()
        if key is None:
            raise ServiceUnavailable(retry_after=1)
        return key.token_key

    async def ping(self) -> None:
        """Raise when there is no key to sign with (readiness)."""
        self.signer()

    def is_overdue(self) -> bool:
        """Tell whether the signing key has outlived its time because no successor was made."""
        key = self._signing_key()
        # It goes on signing all the same: a service never stops at night for a missed rotation.
        return key is not None and key.sign_until <= self._clock.now()

    def published(self) -> list[dict[str, Any]]:
        """Return the public keys of the JWKS (RFC 7517 section 5), pending ones included."""
        return [
            {
                "kid": kid,
                "alg": key.token_key.alg,
                "use": "sig",
                **key.public_jwk,
            }
            for kid, key in sorted(self._keys.items())
            if key.public_jwk and self._verifies(key)
        ]

    async def reload(self) -> None:
        """Read the keys again; when that fails the old set stays and the error is raised."""
        keys = await self._load()
        before = self._keys.keys()
        self._keys = {key.token_key.kid: key for key in keys}
        if before != self._keys.keys():
            for listener in self._on_change:
                listener()

    async def reload_for_unknown_kid(self) -> None:
        """Read the keys again because a token names one that is not here, at most once in 30 s.

        Whoever comes while one reload is under way waits for it. A failed one keeps the old set.
        """
        async with self._one_reload:
            now = self._clock.now()
            last = self._last_unknown_kid_reload
            if last is not None and now - last < UNKNOWN_KID_RELOAD_EVERY:
                return
            self._last_unknown_kid_reload = now
            try:
                await self.reload()
            except ServiceUnavailable:
                log.warning("keyring_reload_failed")

    def _verifies(self, key: LoadedKey) -> bool:
        # The key that signs verifies too, however late its rotation is.
        return self._clock.now() < key.verify_until or key is self._signing_key()

    def _signing_key(self) -> LoadedKey | None:
        now = self._clock.now()
        started = [key for key in self._keys.values() if key.sign_from <= now]
        return max(started, key=lambda key: key.sign_from, default=None)
