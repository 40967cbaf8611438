# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The signing keys as the database holds them: made, rotated, revoked; private parts sealed."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.derived_keys import DerivedKeys, UnsealError
from app.auth.keyring import LoadedKey
from app.auth.models import SigningKey
from app.auth.security import LEEWAY
from app.auth.signing import SigningAlgorithm, TokenKey
from app.core.database import Database, exclusive

SEAL_PURPOSE = "signing-key"
KEY_LIFETIME = timedelta(days=90)  # how long a key signs
PUBLISH_AHEAD = timedelta(hours=24)  # verifiers cache the JWKS; they must know a key before its use
_LOCK = "signing-keys"

log = structlog.get_logger()


class KeyStore:
    """Reads and changes the signing keys.

    Args:
        database: where they are.
        derived_keys: seals the private parts.
        algorithm: makes and loads keys.
        access_lifetime: how long a key must still verify after it stopped signing.
    """

    def __init__(
        self,
        database: Database,
        derived_keys: DerivedKeys,
        algorithm: SigningAlgorithm,
        access_lifetime: timedelta,
    ) -> None:
        self._database = database
        self._derived_keys = derived_keys
        self._algorithm = algorithm
        self._verify_for = access_lifetime + LEEWAY
        # Loading an RSA key checks it, which takes tens of milliseconds; kid to key.
        self._loaded: dict[str, TokenKey] = {}

    async def load(self) -> Sequence[LoadedKey]:
        """Return every key of this service's algorithm that is not revoked.

        Raises:
            UnsealError: the first time, when a key is sealed with a SECRET_KEY that is not here.
        """
        async with self._database.read() as session:
            rows = (await session.scalars(_living_keys(self._algorithm.name))).all()
        if not self._loaded:
            return [self._unsealed(row) for row in rows]
        # Later a worker without the newest SECRET_KEY must still lose the keys that were revoked.
        return [key for row in rows if (key := self._unsealed_or_none(row))]

    async def rotate_if_due(self, now: datetime) -> str | None:
        """Make sure that a key signs and one waits; return the kid of a new key, or None.

        Any number of workers may call this at once: one lock, and the look is taken under it.
        """
        async with self._locked() as session:
            return await self._ensure_successor(session, now)

    async def rotate(self, now: datetime) -> str:
        """Let the waiting key sign once it has been published for 24 hours; return its kid."""
        async with self._locked() as session:
            await self._ensure_successor(session, now)
            *_, last, waiting = await _keys_by_start(session, self._algorithm.name)
            start = min(waiting.sign_from, max(now, waiting.created_at + PUBLISH_AHEAD))
            self._set_times(last, last.sign_from, start)
            self._set_times(waiting, start, start + KEY_LIFETIME)
            session.add(await self._new_key(now, sign_from=waiting.sign_until))
            return waiting.kid

    async def revoke(self, kid: str, now: datetime) -> bool:
        """Revoke a key at once; when it was the signing one, its successor signs from now.

        Returns:
            False when no living key has this kid.
        """
        async with self._locked() as session:
            if not await _mark_revoked(session, [kid], now):
                return False
            await self._ensure_successor(session, now)
            return True

    async def revoke_all(self, now: datetime) -> Sequence[str]:
        """Revoke every key and make new ones; the answer to a leaked SECRET_KEY."""
        async with self._locked() as session:
            kids = [key.kid for key in await _keys_by_start(session, None)]
            await _mark_revoked(session, kids, now)
            await self._ensure_successor(session, now)
            return kids

    async def reseal(self) -> int:
        """Seal every private part with the newest SECRET_KEY, so that an old one can be removed."""
        async with self._locked() as session:
            keys = await _keys_by_start(session, None)
            for key in keys:
                key.private_encrypted = self._seal(key.kid, self._unseal(key))
            return len(keys)

    async def list(self) -> Sequence[SigningKey]:
        """Return every key, revoked and past ones included, oldest first."""
        async with self._database.read() as session:
            return (await session.scalars(select(SigningKey).order_by(SigningKey.sign_from))).all()

    @asynccontextmanager
    async def _locked(self) -> AsyncGenerator[AsyncSession, None]:
        async with self._database.transaction() as session:
            await exclusive(session, _LOCK)
            yield session

    async def _ensure_successor(self, session: AsyncSession, now: datetime) -> str | None:
        keys = await _keys_by_start(session, self._algorithm.name)
        waiting = [key for key in keys if key.sign_from > now]
        if waiting and not any(key.sign_from <= now < key.sign_until for key in keys):
            # The signing one was revoked: published too shortly perhaps, but there is no other.
            waiting.pop(0).sign_from = now
        if waiting:
            return None
        last = keys[-1] if keys else await self._new_key(now, sign_from=now)
        # On time it follows the last key; late it is published first, while the last signs on.
        self._set_times(last, last.sign_from, max(last.sign_until, now + PUBLISH_AHEAD))
        successor = await self._new_key(now, sign_from=last.sign_until)
        session.add_all([last, successor])
        await session.flush()
        return successor.kid

    async def _new_key(self, now: datetime, sign_from: datetime) -> SigningKey:
        kid = secrets.token_hex(16)  # never begins with a hyphen, as an option does
        private = await asyncio.to_thread(self._algorithm.generate)  # RSA takes a moment
        key = SigningKey(
            kid=kid,
            alg=self._algorithm.name,
            public_jwk=self._algorithm.public_jwk(self._algorithm.load(private)),
            private_encrypted=self._seal(kid, private),
            created_at=now,
        )
        self._set_times(key, sign_from, sign_from + KEY_LIFETIME)
        return key

    def _set_times(self, key: SigningKey, sign_from: datetime, sign_until: datetime) -> None:
        key.sign_from = sign_from
        key.sign_until = sign_until
        key.verify_until = sign_until + self._verify_for

    def _unsealed(self, row: SigningKey) -> LoadedKey:
        if row.kid not in self._loaded:
            material = self._algorithm.load(self._unseal(row))
            self._loaded[row.kid] = TokenKey(row.kid, row.alg, material)
        key = self._loaded[row.kid]
        return LoadedKey(key, row.public_jwk, row.sign_from, row.sign_until, row.verify_until)

    def _unsealed_or_none(self, row: SigningKey) -> LoadedKey | None:
        try:
            return self._unsealed(row)
        except UnsealError:
            log.exception("signing_key_sealed_with_another_secret_key", kid=row.kid)
            return None

    def _seal(self, kid: str, private: bytes) -> bytes:
        return self._derived_keys.seal(SEAL_PURPOSE, private, kid.encode())

    def _unseal(self, row: SigningKey) -> bytes:
        return self._derived_keys.unseal(SEAL_PURPOSE, row.private_encrypted, row.kid.encode())


def _living_keys(algorithm: str | None) -> Select[SigningKey]:
    statement = select(SigningKey).where(SigningKey.revoked_at.is_(None))
    if algorithm is not None:
        # Keys of the other algorithm stay in the table after a change of jwt_algorithm.
        statement = statement.where(SigningKey.alg == algorithm)
    return statement.order_by(SigningKey.sign_from)


async def _keys_by_start(session: AsyncSession, algorithm: str | None) -> list[SigningKey]:
    return list((await session.scalars(_living_keys(algorithm))).all())


async def _mark_revoked(session: AsyncSession, kids: Sequence[str], now: datetime) -> bool:
    revoked = await session.scalars(
        update(SigningKey)
        .where(SigningKey.kid.in_(kids), SigningKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(SigningKey.kid)
    )
    return revoked.first() is not None
