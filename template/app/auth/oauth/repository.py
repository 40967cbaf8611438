# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every statement about identities, flows and codes; each decision is one atomic statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, exists, false, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.auth.derived_keys import hash_secret
from app.auth.identity_models import AccountIdentity, OAuthCode, OAuthFlow
from app.auth.models import Account, AuthSession
from app.auth.oauth.provider import Identity
from app.auth.repository import is_alive

MAX_LISTED = 100  # bounds one answer


async def take_flow(
    session: AsyncSession, provider: str, state: str, browser: str, now: datetime
) -> OAuthFlow | None:
    """Delete a flow and return it: only in its own browser, at its own provider, once."""
    statement = (
        delete(OAuthFlow)
        .where(
            OAuthFlow.state_hash == hash_secret(state),
            OAuthFlow.browser_hash == hash_secret(browser),
            OAuthFlow.provider == provider,
            OAuthFlow.expires_at > now,
        )
        .returning(OAuthFlow)
        .execution_options(synchronize_session=False)
    )
    taken: OAuthFlow | None = await session.scalar(statement)
    return taken


async def take_code(
    session: AsyncSession,
    code: str,
    *,
    browser: str | None,
    code_challenge: str | None,
    now: datetime,
) -> OAuthCode | None:
    """Delete a code and return it: only for whom it was made, once."""
    # A code that is bound one way cannot be used the other: what is not shown is not compared.
    bound_to = []
    if browser is not None:
        bound_to.append(OAuthCode.browser_hash == hash_secret(browser))
    if code_challenge is not None:
        bound_to.append(OAuthCode.code_challenge == code_challenge)
    statement = (
        delete(OAuthCode)
        .where(
            OAuthCode.code_hash == hash_secret(code),
            OAuthCode.expires_at > now,
            or_(false(), *bound_to),
        )
        .returning(OAuthCode)
        .execution_options(synchronize_session=False)
    )
    taken: OAuthCode | None = await session.scalar(statement)
    return taken


async def find_account(session: AsyncSession, identity: Identity) -> Account | None:
    """Return the account that this identity belongs to, active or not."""
    statement = (
        select(Account)
        .join(AccountIdentity, AccountIdentity.account_id == Account.id)
        .where(
            AccountIdentity.issuer == identity.issuer, AccountIdentity.subject == identity.subject
        )
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def insert_identity(
    session: AsyncSession, account_id: UUID, provider: str, identity: Identity, now: datetime
) -> bool:
    """Insert an identity; False when it belongs to an account already."""
    values = {
        "id": uuid4(),
        "account_id": account_id,
        "provider": provider,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "created_at": now,
    }
    try:
        # The unique constraint decides, not a look before: two callbacks may arrive at once.
        async with session.begin_nested():
            await session.execute(insert(AccountIdentity).values(values))
    except IntegrityError:
        return False
    return True


async def lock_account_of_session(
    session: AsyncSession, session_id: UUID | None, now: datetime
) -> Account | None:
    """Return the account of a living session, which cannot change until this transaction ends."""
    of_session = select(AuthSession.account_id).where(AuthSession.id == session_id)
    locked = select(Account).where(Account.id == of_session.scalar_subquery()).with_for_update()
    account = (await session.scalars(locked)).one_or_none()
    # Asked once the row is locked: whatever ends all sessions writes to it.
    alive = select(AuthSession.id).where(AuthSession.id == session_id, *is_alive(now))
    return account if await session.scalar(alive) else None


async def identities_of(session: AsyncSession, account_id: UUID) -> Sequence[AccountIdentity]:
    """Return the identities of an account, the oldest first."""
    statement = (
        select(AccountIdentity)
        .where(AccountIdentity.account_id == account_id)
        .order_by(AccountIdentity.created_at, AccountIdentity.id)
        .limit(MAX_LISTED)
    )
    return (await session.scalars(statement)).all()


async def delete_identity(
    session: AsyncSession, account_id: UUID, identity_id: UUID
) -> AccountIdentity | None:
    """Delete an identity unless it is the last way into its account.

    The account's row is locked first: two that are deleted at once would each count on the other.
    """
    await session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    has_password = exists().where(
        Account.id == account_id, Account.password_hash.is_not(None), Account.email.is_not(None)
    )
    other = aliased(AccountIdentity)
    has_another = exists().where(other.account_id == account_id, other.id != identity_id)
    statement = (
        delete(AccountIdentity)
        .where(
            AccountIdentity.id == identity_id,
            AccountIdentity.account_id == account_id,
            or_(has_password, has_another),
        )
        .returning(AccountIdentity)
        .execution_options(synchronize_session=False)
    )
    deleted: AccountIdentity | None = await session.scalar(statement)
    return deleted


async def give_email(session: AsyncSession, account: Account, email: str, now: datetime) -> None:
    """Give an account without an address the one its provider verified, if nobody has it."""
    statement = (
        update(Account)
        .where(Account.id == account.id, Account.email.is_(None), Account.active)
        .values(email=email, email_verified_at=now)
        .execution_options(synchronize_session=False)
    )
    try:
        async with session.begin_nested():
            await session.execute(statement)
    except IntegrityError:
        return
