# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What an administrator does with API keys on the command line, for anybody's account."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from app.auth import administration, api_key_repository, api_key_service, service_principals
from app.auth.administration import AdministrationError
from app.auth.api_key_format import KeyKind
from app.auth.api_key_models import ApiKey
from app.auth.api_key_schemas import MAX_LABEL_CHARACTERS, check_label
from app.auth.api_key_service import Creator, MadeKey
from app.auth.errors import ApiKeyEnded, InvalidScope, TooManyApiKeys
from app.auth.models import Account
from app.auth.runtime import Auth
from app.core.errors import InvalidToken, UnprocessableContent
from app.core.logging import security_event

BY_ADMINISTRATOR = "revoked_by_administrator"  # why a key ended, in the log and beside the key
SERVICE_PREFIX = "svc:"  # before the name of a service principal, where an owner is asked for


async def create_key(
    auth: Auth, owner: str, label: str, scope: str | None, lifetime: timedelta
) -> MadeKey:
    """Make a key for an account or a service principal.

    Args:
        auth: the parts of the service.
        owner: an e-mail address, or `svc:` and the name of a service principal.
        label: what the key is called.
        scope: space-delimited; all that the owner holds when left out.
        lifetime: how long the key lives.

    Raises:
        AdministrationError: no such owner, or the key cannot be made; the message says why.
    """
    account, kind = await _find_owner(auth, owner)
    creator = Creator(account.id, account.token_version, account.scope.split(), kind)
    with _explained():
        if len(label) > MAX_LABEL_CHARACTERS:
            raise ValueError(f"a label has at most {MAX_LABEL_CHARACTERS} characters")
        wanted = account.scope if scope is None else scope
        return await api_key_service.create(auth, creator, check_label(label), wanted, lifetime)


async def list_keys(auth: Auth, owner: str) -> Sequence[ApiKey]:
    """Return the keys of an owner.

    Raises:
        AdministrationError: no such owner.
    """
    account, _ = await _find_owner(auth, owner)
    return await api_key_service.list_keys(auth, account.id)


async def rotate_key(auth: Auth, key_id: str) -> MadeKey:
    """Make a successor of anybody's key.

    Raises:
        AdministrationError: there is no such key, or it has ended.
    """
    key, account = await _find_key(auth, key_id)
    kind: KeyKind = "svc" if key.kind == "svc" else "user"
    creator = Creator(account.id, account.token_version, account.scope.split(), kind)
    with _explained():
        return await api_key_service.rotate(auth, creator, key_id)


async def revoke_key(auth: Auth, key_id: str) -> None:
    """Revoke anybody's key.

    Raises:
        AdministrationError: there is no such key.
    """
    _, account = await _find_key(auth, key_id)
    await api_key_service.revoke(auth, account.id, key_id, BY_ADMINISTRATOR)


async def revoke_all_keys(auth: Auth, owner: str) -> int:
    """Revoke every key of an owner; return how many were alive.

    Raises:
        AdministrationError: no such owner.
    """
    account, _ = await _find_owner(auth, owner)
    return await _revoke(auth, BY_ADMINISTRATOR, account)


async def revoke_everybodys_keys(auth: Auth, reason: str) -> int:
    """Revoke every key there is; return how many were alive."""
    return await _revoke(auth, reason, None)


async def _revoke(auth: Auth, reason: str, account: Account | None) -> int:
    account_id = account.id if account else None
    async with auth.database.transaction() as session:
        now = auth.clock.now()
        revoked = await api_key_repository.revoke_all(session, reason, now, account_id)
        if account is not None:  # everybody's are too many to be told one by one: 30 seconds
            lifetime = auth.settings.access_lifetime
            await api_key_repository.deny(session, revoked, now, lifetime)
    count = len(revoked)
    security_event("api_keys_revoked", account_id=account_id, reason=reason, count=count)
    await auth.deliver_denials()
    return count


async def _find_owner(auth: Auth, owner: str) -> tuple[Account, KeyKind]:
    if owner.startswith(SERVICE_PREFIX):
        return await service_principals.find(auth, owner.removeprefix(SERVICE_PREFIX)), "svc"
    return await administration.find_account(auth, owner.lower()), "user"


async def _find_key(auth: Auth, key_id: str) -> tuple[ApiKey, Account]:
    async with auth.database.read() as session:
        found = await api_key_repository.find_with_owner(session, key_id)
    if found is None:
        raise AdministrationError(f"No API key has the id {key_id}.")
    return found


@contextmanager
def _explained() -> Generator[None, None, None]:
    """Say what an error means to an administrator."""
    try:
        yield
    except ValueError as error:
        raise AdministrationError(f"{error}.".capitalize()) from None
    except InvalidScope:
        raise AdministrationError("The owner does not hold all these scopes.") from None
    except UnprocessableContent:
        raise AdministrationError("That is longer than API_KEY_MAX_LIFETIME.") from None
    except (TooManyApiKeys, ApiKeyEnded) as error:
        raise AdministrationError(f"{error.title}.") from None
    except InvalidToken:
        raise AdministrationError("The owner is disabled, or was changed this moment.") from None
