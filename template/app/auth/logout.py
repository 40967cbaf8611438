# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The flows that end sessions, and the two building blocks that every other flow ends them with.

Order: the database with its denial in one transaction, the deny-list, the answer.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import accounts, mailed_secrets, repository
from app.auth.derived_keys import hash_secret
from app.auth.limits import REFRESH_ADDRESS
from app.auth.models import Account, AuthSession
from app.auth.revocation import record_denial
from app.auth.runtime import Auth
from app.core.client_address import rate_limit_network
from app.core.errors import NotFound
from app.core.logging import security_event


async def log_out(auth: Auth, session_id: UUID, reason: str = "logout") -> None:
    """End a session and deny its access tokens; doing it again delivers what was not delivered."""
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        ended = await end_session(session, auth, session_id, reason, now)
    if ended:
        security_event("logout", account_id=ended.account_id, session_id=session_id)
    await auth.deliver_denials()


async def log_out_by_refresh_token(auth: Auth, presented: str, address: str) -> None:
    """End the session of a refresh token; an unknown one is no error (RFC 7009 section 2.2)."""
    await auth.count(REFRESH_ADDRESS, rate_limit_network(address))
    async with auth.database.statement() as session:
        found = await repository.find_refresh_token(session, hash_secret(presented))
    if found:
        await log_out(auth, found[1].id)


async def log_out_other_session(auth: Auth, account_id: UUID, session_id: UUID) -> None:
    """End one session of an account.

    Raises:
        NotFound: no living session of this account has the id.
    """
    async with auth.database.read() as session:
        living = await repository.living_sessions(session, account_id, auth.clock.now())
    if session_id not in {row.id for row in living}:
        await auth.deliver_denials()  # a repeated call after a 503 finds the session ended
        raise NotFound
    await log_out(auth, session_id, "ended_by_owner")


async def log_out_everywhere(auth: Auth, account_id: UUID, reason: str = "logout_all") -> None:
    """End every session of an account and refuse every access token issued before."""
    async with auth.database.transaction() as session:
        await refuse_all_before(session, auth, account_id, reason, auth.clock.now())
    security_event("logout_all", account_id=account_id, reason=reason)
    await auth.deliver_denials()


async def end_session(
    session: AsyncSession, auth: Auth, session_id: UUID, reason: str, now: datetime
) -> AuthSession | None:
    """End a session with its denial, in one transaction; None when it had ended before."""
    ended = await repository.end_session(session, session_id, reason, now)
    if ended:
        lifetime = auth.settings.access_lifetime
        await record_denial(session, "sid", session_id, now=now, access_lifetime=lifetime)
    return ended


async def refuse_all_before(
    session: AsyncSession,
    auth: Auth,
    account_id: UUID,
    reason: str,
    now: datetime,
    *,
    seen: int | None = None,
    **changes: object,
) -> Account | None:
    """Change an account and end all that was issued to it, in one transaction.

    Returns:
        The account, or None when it is unknown or not of the version `seen` any more.
    """
    account = await accounts.raise_version(session, account_id, seen=seen, **changes)
    if account is None:
        return None
    await repository.end_all_sessions(session, account_id, reason, now)
    await mailed_secrets.delete_all_of(session, account_id)
    await record_denial(
        session,
        "sub",
        account_id,
        now=now,
        access_lifetime=auth.settings.access_lifetime,
        version=account.token_version,
    )
    return account
