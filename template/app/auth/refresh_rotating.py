# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Refresh tokens that work once, with detection of theft (RFC 9700 section 4.14.2).

The successor of a token is computed from it, so that a client whose answer got lost asks again and
gets the same one, while the database holds hashes only.
"""

import os
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.auth import repository
from app.auth.derived_keys import hash_secret, successor_of
from app.auth.models import AuthSession, RefreshToken
from app.auth.redemption import Redeemed, Redemption, Refused, Stale, Theft
from app.auth.runtime import Auth

SUCCESSOR_PURPOSE: Final = "refresh-token-successor"
MAX_RETRIES = 3  # a lost answer is asked for again once or twice, not forever
SALT_BYTES = 32


async def redeem(session: AsyncSession, auth: Auth, presented: str, now: datetime) -> Redemption:
    """Use a refresh token; of many that try at once, one wins and the rest get its successor."""
    key = auth.derived_keys.newest(SUCCESSOR_PURPOSE)
    consumed = await _consume(session, hash_secret(presented), key.id, now)
    if consumed is None:
        return await _judge(session, auth, presented, now)
    touched = await repository.touch_session(session, consumed.session_id, now, auth.idle_lifetime)
    if touched is None:
        return Refused()
    successor = successor_of(key, consumed.salt, presented)
    await repository.insert_refresh_token(
        session,
        session_id=consumed.session_id,
        generation=consumed.generation + 1,
        token_hash=hash_secret(successor),
        salt=os.urandom(SALT_BYTES),
        now=now,
    )
    return Redeemed(touched, successor)


async def _consume(
    session: AsyncSession, token_hash: bytes, key_id: str, now: datetime
) -> RefreshToken | None:
    """Mark a live token as used: one statement, so that there is one winner."""
    alive = exists().where(AuthSession.id == RefreshToken.session_id, *repository.is_alive(now))
    statement = (
        update(RefreshToken)
        .where(RefreshToken.token_hash == token_hash, RefreshToken.consumed_at.is_(None), alive)
        .values(consumed_at=now, successor_key_id=key_id)
        .returning(RefreshToken)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    winner: RefreshToken | None = await session.scalar(statement)
    return winner


async def _judge(session: AsyncSession, auth: Auth, presented: str, now: datetime) -> Redemption:
    """Say what a token that could not be used is: unknown, dead, repeated, stale or stolen."""
    found = await repository.find_refresh_token(session, hash_secret(presented))
    if found is None:
        return Refused()
    token, owner = found
    if token.consumed_at is None or not await _is_alive(session, owner, now):
        return Refused()
    if now - token.consumed_at > timedelta(seconds=auth.settings.refresh_grace_period):
        return Theft(owner)
    key = auth.derived_keys.find(SUCCESSOR_PURPOSE, token.successor_key_id)
    if key is None or not await _take_retry(session, token):
        return Stale()
    return Redeemed(owner, successor_of(key, token.salt, presented), retried=True)


async def _is_alive(session: AsyncSession, owner: AuthSession, now: datetime) -> bool:
    statement = select(AuthSession.id).where(AuthSession.id == owner.id, *repository.is_alive(now))
    return await session.scalar(statement) is not None


async def _take_retry(session: AsyncSession, token: RefreshToken) -> bool:
    """Count one repetition of a used token, as long as its successor is unused."""
    successor = aliased(RefreshToken)
    statement = (
        update(RefreshToken)
        .where(
            RefreshToken.id == token.id,
            RefreshToken.retries < MAX_RETRIES,
            exists().where(
                successor.session_id == token.session_id,
                successor.generation == token.generation + 1,
                successor.consumed_at.is_(None),
            ),
        )
        .values(retries=RefreshToken.retries + 1)
        .returning(RefreshToken.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None
