# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Which account an identity opens: its own, a new one, or the one it was linked to on purpose.

Never the one that happens to have the same e-mail address: whoever controls a mailbox, or a
provider that does not check addresses, would enter other people's accounts.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import accounts
from app.auth.models import Account
from app.auth.oauth import mails, repository
from app.auth.oauth.errors import (
    AccountExists,
    IdentityInUse,
    LastWayToLogIn,
    VerifiedEmailRequired,
)
from app.auth.oauth.provider import Identity
from app.auth.runtime import Auth
from app.core.database import exclusive
from app.core.errors import InvalidGrant, NotFound
from app.core.logging import security_event
from app.scopes import NEW_ACCOUNT_SCOPES


async def find_or_make_account(auth: Auth, provider: str, identity: Identity) -> Account:
    """Return the account of somebody who has just logged in at a provider.

    Raises:
        InvalidGrant: the account is not active.
        AccountExists: another account has the address that the provider verified.
        VerifiedEmailRequired: nobody verified an address, and this service asks for one.
    """
    may_be_made = identity.email is not None or not auth.settings.verified_email_required
    async with auth.database.transaction() as session:
        # One at a time: two callbacks of somebody new must not make two accounts.
        await exclusive(session, f"identity {identity.issuer} {identity.subject}")
        account = await repository.find_account(session, identity)
        if account is None and may_be_made:
            account = await _make_account(session, auth, provider, identity)
        elif account and account.email is None and identity.email:
            await repository.give_email(session, account, identity.email, auth.clock.now())
            account = await repository.find_account(session, identity)
    if account is None:
        raise AccountExists if may_be_made else VerifiedEmailRequired
    if not account.active:
        raise InvalidGrant
    if auth.settings.verified_email_required and account.email_verified_at is None:
        raise VerifiedEmailRequired
    return account


async def link(auth: Auth, session_id: UUID | None, provider: str, identity: Identity) -> None:
    """Add an identity to the account of the session that asked for it; again is no error.

    Raises:
        InvalidGrant: the session has ended since.
        IdentityInUse: another account has it.
    """
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        account = await repository.lock_account_of_session(session, session_id, now)
        if account is None:
            raise InvalidGrant
        if await repository.insert_identity(session, account.id, provider, identity, now):
            auth.outbox.put(session, mails.login_added(account.email or "", provider), now)
            owner: Account | None = account
            added = True
        else:
            owner = await repository.find_account(session, identity)
            added = False
    if owner is None or owner.id != account.id:
        security_event("identity_link_refused", account_id=account.id, provider=provider)
        raise IdentityInUse
    if added:
        security_event("identity_linked", account_id=account.id, provider=provider)


async def unlink(auth: Auth, account_id: UUID, identity_id: UUID) -> None:
    """Remove an identity from an account.

    Raises:
        NotFound: the account has no such identity.
        LastWayToLogIn: there is neither another identity nor a password.
    """
    async with auth.database.transaction() as session:
        removed = await repository.delete_identity(session, account_id, identity_id)
        if removed is None:
            kept = {row.id for row in await repository.identities_of(session, account_id)}
        else:
            account = await accounts.find_active(session, account_id)
            to = (account.email if account else None) or ""
            auth.outbox.put(session, mails.login_removed(to, removed.provider), auth.clock.now())
    if removed is None:
        raise LastWayToLogIn if identity_id in kept else NotFound
    security_event("identity_unlinked", account_id=account_id, provider=removed.provider)


async def _make_account(
    session: AsyncSession, auth: Auth, provider: str, identity: Identity
) -> Account | None:
    """Make an account without a password; None when another one has the address."""
    now = auth.clock.now()
    account_id = await accounts.insert_account(
        session,
        email=identity.email,
        password_hash=None,
        scope=" ".join(NEW_ACCOUNT_SCOPES),
        now=now,
        verified=identity.email is not None,
    )
    if account_id is None:
        return None
    if identity.email:
        # Who waits with a password for this address has not proved it; its owner now has.
        await accounts.delete_pending_of(session, identity.email)
    await repository.insert_identity(session, account_id, provider, identity, now)
    security_event("account_made_by_provider", account_id=account_id, provider=provider)
    return await repository.find_account(session, identity)
