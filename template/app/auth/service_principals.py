# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Programs with an account of their own; an administrator makes them on the command line.

The account has no address and no password, so that nobody can log in as it: API keys are the only
way in. Its `sub` is the account's id with `svc:` before it.
"""

import re
from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.auth.administration import AdministrationError, require_known_scopes
from app.auth.api_key_models import ServicePrincipal
from app.auth.models import Account
from app.auth.runtime import Auth
from app.core.logging import security_event

MAX_LISTED = 1000
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")  # a DNS label that begins with a letter


async def create(auth: Auth, name: str, scope: str) -> UUID:
    """Make a service principal.

    Raises:
        AdministrationError: the name is taken or has another form, or a scope is unknown.
    """
    require_known_scopes(scope)
    if not _NAME.fullmatch(name):
        raise AdministrationError("A name has a-z, 0-9 and hyphens, and begins with a letter.")
    account_id, now = uuid4(), auth.clock.now()
    try:
        async with auth.database.transaction() as session:
            session.add(Account(id=account_id, scope=scope, created_at=now))
            await session.flush()
            await session.execute(
                insert(ServicePrincipal).values(account_id=account_id, name=name, created_at=now)
            )
    except IntegrityError:
        raise AdministrationError(f"There is a service called {name} already.") from None
    security_event("service_principal_made", account_id=account_id, name=name)
    return account_id


async def find(auth: Auth, name: str) -> Account:
    """Return the account of a service principal.

    Raises:
        AdministrationError: there is none of this name.
    """
    statement = (
        select(Account)
        .join(ServicePrincipal, ServicePrincipal.account_id == Account.id)
        .where(ServicePrincipal.name == name)
    )
    async with auth.database.read() as session:
        account = (await session.scalars(statement)).one_or_none()
    if account is None:
        raise AdministrationError(f"No service is called {name}.")
    return account


async def list_all(auth: Auth) -> Sequence[tuple[ServicePrincipal, Account]]:
    """Return the service principals by name, with their accounts."""
    statement = (
        select(ServicePrincipal, Account)
        .join(Account, Account.id == ServicePrincipal.account_id)
        .order_by(ServicePrincipal.name)
        .limit(MAX_LISTED)
    )
    async with auth.database.read() as session:
        return [(row[0], row[1]) for row in await session.execute(statement)]
