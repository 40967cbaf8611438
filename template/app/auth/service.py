# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The flows that give tokens: log in, refresh. Those that end sessions are in logout.py.

A security write is committed before the error that goes with it is raised: every `raise` stands
outside the transaction it belongs to.
"""

import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import accounts, mails, metrics, repository
from app.auth.derived_keys import hash_secret, new_secret
from app.auth.errors import InvalidScope
from app.auth.issuing import IssuedTokens, issue_tokens
from app.auth.limits import REFRESH_ADDRESS, REFRESH_SESSION_VOLUME
from app.auth.login_limits import login_attempt
from app.auth.logout import end_session
from app.auth.models import Account, AuthSession
from app.auth.redemption import Redeemed, Refused, Stale, Theft
from app.auth.runtime import Auth
from app.core.client_address import rate_limit_network
from app.core.errors import InvalidGrant, StaleRefreshToken
from app.core.logging import security_event

SECRET_FORM = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits; anything else needs no look-up
SALT_BYTES = 32


@dataclass(frozen=True)
class Client:
    """Who is at the other end of a request: address, program, and its device cookie if any."""

    address: str
    user_agent: str
    device: str | None = None


async def log_in(
    auth: Auth, email: str, password: str, scope: str | None, client: Client
) -> IssuedTokens:
    """Check a password and start a session.

    Args:
        auth: the parts of the running app.
        email: in the form `normalise_email` gives.
        password: as received.
        scope: space-delimited; None asks for all that the account holds.
        client: who asks.

    Raises:
        InvalidGrant: unknown account, no password, wrong password, inactive: one answer.
        InvalidScope: the account does not hold what was asked for.
        TooManyRequests: a limit is used up; counted before the password is looked at.
        ServiceUnavailable: too many passwords are waiting.
    """
    async with login_attempt(auth, email, client.address, client.device):
        account = await _check_password(auth, email, password, client)
        tokens = await start_session(auth, account, scope, client)
    metrics.login(outcome="accepted")
    return tokens


async def start_session(
    auth: Auth, account: Account, scope: str | None, client: Client
) -> IssuedTokens:
    """Start a session for an account whose owner has just proved who they are."""
    now = auth.clock.now()
    row = _new_session(auth, account, _granted(account.scope, scope), client, now)
    refresh_token = new_secret()
    async with auth.database.transaction() as session:
        started = await accounts.insert_while_unchanged(session, row, account.token_version)
        if started:
            await repository.insert_refresh_token(
                session,
                session_id=row.id,
                generation=0,
                token_hash=hash_secret(refresh_token),
                salt=os.urandom(SALT_BYTES),
                now=now,
            )
    if not started:  # disabled, or the password was changed, while it was being checked
        raise InvalidGrant
    security_event("login", account_id=account.id, session_id=row.id, address=client.address)
    return issue_tokens(auth, row, refresh_token, now)


async def refresh(auth: Auth, presented: str, client: Client) -> IssuedTokens:
    """Exchange a refresh token for new tokens.

    Raises:
        InvalidGrant: unknown, expired, revoked, or used before: then the session has ended.
        StaleRefreshToken: used a moment ago and its successor too; nothing has changed.
    """
    await auth.count(REFRESH_ADDRESS, rate_limit_network(client.address))
    if not SECRET_FORM.fullmatch(presented):
        raise InvalidGrant
    # Before the first write: a worker that pauses later cannot sign what outlives a denial.
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        outcome = await auth.redeem(session, auth, presented, now)
        if isinstance(outcome, Theft) and not await _end_stolen_session(
            session, auth, outcome.session, now
        ):
            outcome = Refused()  # another request saw the theft first, and told its owner
    match outcome:
        case Theft(session=stolen):
            security_event(
                "refresh_token_reuse", account_id=stolen.account_id, session_id=stolen.id
            )
            metrics.refresh(outcome="theft")
            await auth.deliver_denials()
            raise InvalidGrant
        case Refused():
            metrics.refresh(outcome="refused")
            security_event("refresh_refused", address=client.address)
            raise InvalidGrant
        case Stale():
            metrics.refresh(outcome="stale")
            raise StaleRefreshToken
        case Redeemed(session=row, refresh_token=token, retried=retried):
            await _note_refresh(auth, row, retried=retried)
            return issue_tokens(auth, row, token, now)


def _new_session(
    auth: Auth, account: Account, scope: str, client: Client, now: datetime
) -> AuthSession:
    return AuthSession(
        id=uuid4(),
        account_id=account.id,
        client_id=auth.settings.client_id,
        scope=scope,
        auth_time=now,
        token_version=account.token_version,
        created_at=now,
        last_refreshed_at=now,
        idle_expires_at=now + auth.idle_lifetime,
        absolute_expires_at=now + timedelta(seconds=auth.settings.session_absolute_lifetime),
        revoked_at=None,
        revoke_reason=None,
        user_agent=client.user_agent,
        ip=client.address,
    )


async def _check_password(auth: Auth, email: str, password: str, client: Client) -> Account:
    async with auth.database.read() as session:
        account = await accounts.find_by_email(session, email)
    right, new_hash = await auth.passwords.verify(
        password, account.password_hash if account else None
    )
    if account is None or not right or not _may_log_in(auth, account):
        metrics.login(outcome="refused")
        # Only the log says whether there is such an account: whose password is being guessed.
        account_id = account.id if account else None
        security_event("login_failed", account_id=account_id, address=client.address)
        raise InvalidGrant
    if new_hash:
        async with auth.database.transaction() as session:
            await accounts.replace_hash(session, account, new_hash)
    return account


def _may_log_in(auth: Auth, account: Account) -> bool:
    verified = account.email_verified_at is not None
    return account.active and (verified or not auth.settings.verified_email_required)


def _granted(held: str, asked: str | None) -> str:
    if asked is None or not asked.split():
        return held
    wanted = dict.fromkeys(asked.split())
    if not wanted.keys() <= set(held.split()):
        raise InvalidScope
    return " ".join(wanted)


async def _end_stolen_session(
    session: AsyncSession, auth: Auth, stolen: AuthSession, now: datetime
) -> bool:
    if not await end_session(session, auth, stolen.id, "refresh_token_reuse", now):
        return False
    owner = await accounts.find_active(session, stolen.account_id)
    if owner and owner.email:
        auth.outbox.put(session, mails.session_stolen(owner.email), now)
    return True


async def _note_refresh(auth: Auth, row: AuthSession, *, retried: bool) -> None:
    metrics.refresh(outcome="retried" if retried else "accepted")
    ids = {"account_id": row.account_id, "session_id": row.id}
    if retried:
        security_event("refresh_token_repeated", **ids)
    if await auth.stores.rate_limiter.hit(REFRESH_SESSION_VOLUME, str(row.id)) is not None:
        security_event("session_unusual_volume", **ids)
