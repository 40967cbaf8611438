# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The flows that make and end API keys: for owners over the API, for administrators on the line."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import accounts, api_key_repository, mails, metrics
from app.auth.api_key_format import KeyKind, make_key
from app.auth.api_key_models import ApiKey
from app.auth.errors import ApiKeyEnded, InvalidScope, TooManyApiKeys
from app.auth.runtime import Auth
from app.core.database import exclusive
from app.core.errors import InsufficientScope, InvalidToken, NotFound, UnprocessableContent
from app.core.logging import security_event

DEFAULT_LIFETIME = timedelta(days=90)
# How long a rotated key and its successor are both good: a day for every copy to be replaced.
ROTATION_OVERLAP = timedelta(hours=24)
MAX_KEYS = 50  # living ones of one account; a rotated key counts once, with its successor


@dataclass(frozen=True)
class Creator:
    """On whose behalf a key is made.

    Attributes:
        account_id: who will own it.
        token_version: of the account, as the creator's credential was checked against it.
        scopes: what the creator may do; a key may do no more.
        kind: of the key.
    """

    account_id: UUID
    token_version: int
    scopes: Collection[str]
    kind: KeyKind = "user"


@dataclass(frozen=True)
class MadeKey:
    """A new key; the text is shown once and stored nowhere."""

    row: ApiKey
    text: str


async def create(
    auth: Auth, creator: Creator, label: str, scope: str, lifetime: timedelta | None
) -> MadeKey:
    """Make a key.

    Args:
        auth: the parts of the running app.
        creator: who owns it, and what it may do at most.
        label: what the owner calls it.
        scope: space-delimited.
        lifetime: 90 days when left out.

    Raises:
        InvalidScope: more than the creator holds.
        UnprocessableContent: a longer life than the deployment allows.
        TooManyApiKeys: the account has as many as it may have.
        InvalidToken: the account was changed or disabled meanwhile.
    """
    wanted = dict.fromkeys(scope.split())
    if not wanted.keys() <= set(creator.scopes):
        raise InvalidScope
    made = _new_key(auth, creator, label, " ".join(wanted), _lifetime(auth, lifetime))
    async with auth.database.transaction() as session:
        await exclusive(session, f"api-keys-of-{creator.account_id}")  # for the count
        count = await api_key_repository.count_living(
            session, creator.account_id, made.row.created_at
        )
        if count >= MAX_KEYS:
            raise TooManyApiKeys
        await _insert(session, auth, made, creator)
    metrics.api_key(event="made")
    security_event("api_key_made", key_id=made.row.id, account_id=creator.account_id)
    return made


async def rotate(auth: Auth, creator: Creator, key_id: str) -> MadeKey:
    """Make a successor of a key; the old one goes on for 24 hours, and no longer than it would.

    Raises:
        NotFound: the creator's account has no such key.
        ApiKeyEnded: it is revoked or expired, or was rotated before; rotate its successor.
        InsufficientScope: the key may do more than the creator; who may not do it all may not
            hold the new secret.
        InvalidToken: the account was changed or disabled meanwhile.
    """
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        found = await api_key_repository.find_with_owner(session, key_id, lock=True)
        if found is None or found[1].id != creator.account_id:
            raise NotFound
        old, owner = found
        scopes = [scope for scope in old.scope.split() if scope in owner.scope.split()]
        if not set(scopes) <= set(creator.scopes):
            raise InsufficientScope(scopes)
        lifetime = _lifetime(auth, min(old.expires_at - old.created_at, _longest(auth)))
        made = _new_key(auth, creator, old.label, " ".join(scopes), lifetime)
        made.row.rotated_from = old.id
        if not await api_key_repository.mark_rotated(session, old.id, now, ROTATION_OVERLAP):
            raise ApiKeyEnded
        await _insert(session, auth, made, creator)
    auth.api_keys.forget_key(key_id)
    metrics.api_key(event="rotated")
    security_event(
        "api_key_rotated", key_id=key_id, successor=made.row.id, account_id=creator.account_id
    )
    return made


async def revoke(auth: Auth, account_id: UUID, key_id: str, reason: str) -> None:
    """Revoke a key; doing it again is no error, and delivers what was not delivered.

    Raises:
        NotFound: the account has no such key.
        ServiceUnavailable: it is revoked, and whether every worker knows is not known.
    """
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        found = await api_key_repository.find_of(session, account_id, key_id)
        revoked = found is not None and await api_key_repository.revoke(
            session, key_id, reason, now
        )
        if revoked:
            lifetime = auth.settings.access_lifetime
            await api_key_repository.deny(session, [key_id], now, lifetime)
    auth.api_keys.forget_key(key_id)
    if found is None:
        raise NotFound
    if revoked:
        metrics.api_key(event="revoked")
        security_event("api_key_revoked", key_id=key_id, account_id=account_id, reason=reason)
    await auth.deliver_denials()


async def list_keys(auth: Auth, account_id: UUID) -> Sequence[ApiKey]:
    """Return the keys of an account, newest first."""
    async with auth.database.read() as session:
        return await api_key_repository.list_of(session, account_id)


def state_of(key: ApiKey, now: datetime) -> Literal["living", "rotated", "expired", "revoked"]:
    """Return what has become of a key; a rotated one is good until it expires."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at <= now:
        return "expired"
    return "rotated" if key.rotated_at is not None else "living"


async def _insert(session: AsyncSession, auth: Auth, made: MadeKey, creator: Creator) -> None:
    if not await accounts.insert_while_unchanged(session, made.row, creator.token_version):
        raise InvalidToken
    owner = await accounts.find_active(session, creator.account_id)
    if owner is not None and owner.email:
        # Whoever made it, the owner hears of it: a key outlives the session that made it.
        mail = mails.api_key_made(owner.email, made.row.label)
        auth.outbox.put(session, mail, made.row.created_at)


def _new_key(auth: Auth, creator: Creator, label: str, scope: str, lifetime: timedelta) -> MadeKey:
    now = auth.clock.now()
    text, key = make_key(creator.kind)
    row = ApiKey(
        id=key.id,
        kind=key.kind,
        account_id=creator.account_id,
        label=label,
        scope=scope,
        key_hash=key.digest,
        created_at=now,
        expires_at=now + lifetime,
    )
    return MadeKey(row, text)


def _longest(auth: Auth) -> timedelta:
    return timedelta(seconds=auth.settings.api_key_max_lifetime)


def _lifetime(auth: Auth, asked: timedelta | None) -> timedelta:
    longest = _longest(auth)
    if asked is not None and asked > longest:
        raise UnprocessableContent(
            [{"loc": ["body", "expires_in_days"], "type": "less_than_equal"}]
        )
    return min(asked or DEFAULT_LIFETIME, longest)
