# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What an administrator can do to an account, on the command line."""

from uuid import UUID

from sqlalchemy import select, update

from app.auth import accounts, api_key_repository
from app.auth.logout import log_out_everywhere, refuse_all_before
from app.auth.models import Account, AuthSession
from app.auth.revocation import record_denial
from app.auth.runtime import Auth
from app.core.logging import security_event
from app.scopes import SCOPES


class AdministrationError(Exception):
    """The command cannot be carried out; the message says why."""


async def create_account(auth: Auth, email: str, password: str | None, scope: str) -> UUID:
    """Make an account whose address the administrator vouches for.

    Raises:
        AdministrationError: the address has an account, or a scope is unknown.
    """
    require_known_scopes(scope)
    password_hash = None if password is None else await auth.passwords.hash(password)
    async with auth.database.transaction() as session:
        account_id = await accounts.insert_account(
            session,
            email=email,
            password_hash=password_hash,
            scope=scope,
            now=auth.clock.now(),
            verified=True,
        )
    if account_id is None:
        raise AdministrationError(f"{email} has an account already.")
    security_event("account_made_by_administrator", account_id=account_id)
    return account_id


async def find_account(auth: Auth, email: str) -> Account:
    """Return the account with this address.

    Raises:
        AdministrationError: there is none.
    """
    async with auth.database.read() as session:
        account = await accounts.find_by_email(session, email)
    if account is None:
        raise AdministrationError(f"No account has the address {email}.")
    return account


async def disable(auth: Auth, account_id: UUID) -> None:
    """Refuse an account everything, at once; its API keys are revoked for good."""
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        await refuse_all_before(session, auth, account_id, "disabled", now, active=False)
        await api_key_repository.revoke_all(session, "account_disabled", now, account_id)
    auth.api_keys.forget_account(account_id)
    security_event("account_disabled", account_id=account_id)
    await auth.deliver_denials()


async def enable(auth: Auth, account_id: UUID) -> None:
    """Let an account log in again; what was issued before stays refused."""
    async with auth.database.transaction() as session:
        await session.execute(
            update(Account)
            .where(Account.id == account_id, Account.deleted_at.is_(None))
            .values(active=True)
        )
    security_event("account_enabled", account_id=account_id)


async def set_scope(auth: Auth, account: Account, scope: str) -> None:
    """Set what an account may do; when something is taken away, everything issued before ends.

    API keys go on with what is left of their scopes.

    Raises:
        AdministrationError: a scope that app/scopes.py does not declare.
    """
    require_known_scopes(scope)
    now = auth.clock.now()
    async with auth.database.transaction() as session:
        if set(account.scope.split()) <= set(scope.split()):
            await session.execute(
                update(Account).where(Account.id == account.id).values(scope=scope)
            )
        else:
            await refuse_all_before(session, auth, account.id, "scope_changed", now, scope=scope)
    auth.api_keys.forget_account(account.id)
    security_event("scope_changed", account_id=account.id, scope=scope)
    await auth.deliver_denials()


async def end_all_sessions(auth: Auth, account_id: UUID) -> None:
    """Log an account out everywhere."""
    await log_out_everywhere(auth, account_id, "ended_by_administrator")


async def deny_token(auth: Auth, token_id: str) -> None:
    """Deny one access token by its `jti`."""
    lifetime = auth.settings.access_lifetime
    async with auth.database.transaction() as session:
        await record_denial(
            session, "jti", token_id, now=auth.clock.now(), access_lifetime=lifetime
        )
    security_event("token_denied", jti=token_id)
    await auth.deliver_denials()


async def end_everything(auth: Auth, reason: str) -> None:
    """End every session and every access token of everybody.

    After a restored backup, versions may be lower than those of tokens in circulation, so the
    signing keys are revoked: then no token issued before verifies, whatever it says.
    """
    now = auth.clock.now()
    await auth.key_store.revoke_all(now)
    async with auth.database.transaction() as session:
        await session.execute(update(Account).values(token_version=Account.token_version + 1))
        await session.execute(
            update(AuthSession)
            .where(AuthSession.revoked_at.is_(None))
            .values(revoked_at=now, revoke_reason=reason)
        )
    security_event("everything_ended", reason=reason)


async def list_accounts(auth: Auth, limit: int) -> list[Account]:
    """Return accounts, the newest first."""
    statement = select(Account).order_by(Account.created_at.desc()).limit(limit)
    async with auth.database.read() as session:
        return list((await session.scalars(statement)).all())


def require_known_scopes(scope: str) -> None:
    """Refuse scopes that nobody declared.

    Raises:
        AdministrationError: with their names.
    """
    if unknown := set(scope.split()) - SCOPES.keys():
        raise AdministrationError(f"app/scopes.py does not declare: {', '.join(sorted(unknown))}.")
