# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""One refresh token for the whole session; for clients on servers, which keep it safe."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import repository
from app.auth.derived_keys import hash_secret
from app.auth.redemption import Redeemed, Redemption, Refused
from app.auth.runtime import Auth


async def redeem(session: AsyncSession, auth: Auth, presented: str, now: datetime) -> Redemption:
    """Use a refresh token, which stays the same until its session ends."""
    found = await repository.find_refresh_token(session, hash_secret(presented))
    # A token consumed under rotation stays consumed after a change of the answer.
    if found is None or found[0].consumed_at is not None:
        return Refused()
    session_id = found[1].id
    touched = await repository.touch_session(session, session_id, now, auth.idle_lifetime)
    return Refused() if touched is None else Redeemed(touched, presented)
