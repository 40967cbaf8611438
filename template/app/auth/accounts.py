# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every statement about accounts and pending registrations."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, literal, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.api_key_models import ApiKey
from app.auth.models import Account, AuthSession, PendingRegistration


async def find_by_email(session: AsyncSession, email: str) -> Account | None:
    """Return the account with this address, in the form `normalise_email` gives."""
    return (await session.scalars(select(Account).where(Account.email == email))).one_or_none()


async def find_active(session: AsyncSession, account_id: UUID | None) -> Account | None:
    """Return an account that is active."""
    statement = select(Account).where(Account.id == account_id, Account.active)
    return (await session.scalars(statement)).one_or_none()


async def raise_version(
    session: AsyncSession, account_id: UUID, *, seen: int | None = None, **changes: object
) -> Account | None:
    """Change an account and refuse all that was issued to it before.

    Args:
        session: the transaction.
        account_id: whose.
        seen: the version on which the decision rests; None: it rests on none.
        changes: columns to set in the same statement.

    Returns:
        The account, or None when it is unknown or of another version than the one seen.
    """
    unchanged = true() if seen is None else Account.token_version == seen
    statement = (
        update(Account)
        .where(Account.id == account_id, unchanged)
        .values(token_version=Account.token_version + 1, **changes)
        .returning(Account)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    changed: Account | None = await session.scalar(statement)
    return changed


async def replace_hash(session: AsyncSession, account: Account, password_hash: str) -> None:
    """Store the same password under newer parameters, unless it was changed meanwhile."""
    await session.execute(
        update(Account)
        .where(Account.id == account.id, Account.password_hash == account.password_hash)
        .values(password_hash=password_hash)
        .execution_options(synchronize_session=False)
    )


async def insert_account(
    session: AsyncSession,
    *,
    email: str | None,
    password_hash: str | None,
    scope: str,
    now: datetime,
    verified: bool,
) -> UUID | None:
    """Insert an account; None when the address has one already."""
    account_id = uuid4()
    values = {
        "id": account_id,
        "email": email,
        "email_verified_at": now if verified else None,
        "password_hash": password_hash,
        "scope": scope,
        "active": True,
        "token_version": 0,
        "created_at": now,
    }
    try:
        # The unique constraint decides, not a look before: two may verify the same address at once.
        async with session.begin_nested():
            await session.execute(insert(Account).values(values))
    except IntegrityError:
        return None
    return account_id


async def insert_while_unchanged(
    session: AsyncSession, new: AuthSession | ApiKey, token_version: int
) -> bool:
    """Insert what an account is to hold, if it is active and still of the version that was checked.

    One statement, because a password change, a disabling or the loss of a scope may come between
    the check and this moment; each raises the version. The lock makes PostgreSQL look at the
    committed row.

    Args:
        session: the transaction.
        new: the row.
        token_version: of the account, as its password or its token was checked against it.

    Returns:
        Whether the row was made.
    """
    table = type(new)
    columns = table.__table__.columns
    values = [
        literal(getattr(new, column.key), column.type).label(column.key) for column in columns
    ]
    source = (
        select(*values)
        .where(
            Account.id == new.account_id,
            Account.active,
            Account.token_version == token_version,
        )
        .with_for_update(read=True, of=Account)
    )
    statement = insert(table).from_select([column.key for column in columns], source)
    return await session.scalar(statement.returning(table.id)) is not None


async def change_email(session: AsyncSession, account_id: UUID, email: str, now: datetime) -> bool:
    """Give an account another, verified address; False when somebody else has it."""
    try:
        async with session.begin_nested():
            await session.execute(
                update(Account)
                .where(Account.id == account_id, Account.active)
                .values(email=email, email_verified_at=now)
            )
    except IntegrityError:
        return False
    return True


async def mark_verified(session: AsyncSession, account_id: UUID, now: datetime) -> None:
    """Note that the owner has received mail at the account's address."""
    await session.execute(
        update(Account)
        .where(Account.id == account_id, Account.email_verified_at.is_(None))
        .values(email_verified_at=now)
    )


async def find_pending(
    session: AsyncSession, secret_hash: bytes, now: datetime
) -> PendingRegistration | None:
    """Return the pending registration that this secret confirms."""
    statement = select(PendingRegistration).where(
        PendingRegistration.secret_hash == secret_hash, PendingRegistration.expires_at > now
    )
    return (await session.scalars(statement)).one_or_none()


async def take_pending(session: AsyncSession, secret_hash: bytes) -> PendingRegistration | None:
    """Delete a pending registration and return it: of many that try, one gets it.

    All of its address are locked in one order, because they are about to be deleted too.
    """
    address = select(PendingRegistration.email).where(
        PendingRegistration.secret_hash == secret_hash
    )
    of_address = (
        select(PendingRegistration.id)
        .where(PendingRegistration.email == address.scalar_subquery())
        .order_by(PendingRegistration.id)
        .with_for_update()
    )
    await session.execute(of_address)
    statement = (
        delete(PendingRegistration)
        .where(PendingRegistration.secret_hash == secret_hash)
        .returning(PendingRegistration)
        .execution_options(synchronize_session=False)
    )
    taken: PendingRegistration | None = await session.scalar(statement)
    return taken


async def delete_pending_of(session: AsyncSession, email: str) -> None:
    """Delete what else waits for this address: the one who proved it has it now."""
    await session.execute(delete(PendingRegistration).where(PendingRegistration.email == email))


async def delete_expired_pending(session: AsyncSession, now: datetime) -> None:
    """Delete the registrations that nobody confirmed in time."""
    await session.execute(delete(PendingRegistration).where(PendingRegistration.expires_at <= now))
