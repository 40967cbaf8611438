# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a route can require of its caller: scopes, and kinds of credential."""

from collections.abc import Awaitable, Callable, Collection
from functools import cache
from typing import Any, get_args

from fastapi import Security

from app.auth import metrics
from app.auth.dependencies import CurrentUser, get_current_user
from app.auth.errors import CredentialRefused
from app.auth.principal import Principal, PrincipalKind
from app.core.logging import security_event
from app.scopes import SCOPES

ALL_KINDS: frozenset[PrincipalKind] = frozenset(get_args(PrincipalKind))
PEOPLE: frozenset[PrincipalKind] = frozenset({"user"})


def requires(*scopes: str, kinds: Collection[PrincipalKind] = ALL_KINDS) -> Any:
    """Return the dependency that lets in only callers with all these scopes.

    Use it in a decorator, `dependencies=[requires("items:write")]`, or for the caller itself,
    `user: Annotated[Principal, requires("items:write")]`.

    Args:
        scopes: of app/scopes.py.
        kinds: the credentials that are let in; `{"user"}` refuses API keys.

    Raises:
        ValueError: a scope that app/scopes.py does not declare, or a kind that does not exist; at
            import, not at midnight.
    """
    if unknown := set(scopes) - SCOPES.keys():
        raise ValueError(f"scopes that app/scopes.py does not declare: {sorted(unknown)}")
    if not kinds or not ALL_KINDS.issuperset(kinds):
        raise ValueError(f"kinds must be some of {sorted(ALL_KINDS)}")
    if set(kinds) == ALL_KINDS:
        return Security(get_current_user, scopes=scopes)
    return Security(_caller_of(frozenset(kinds)), scopes=scopes)


@cache
def _caller_of(kinds: frozenset[PrincipalKind]) -> Callable[..., Awaitable[Principal]]:
    async def get_caller_of_kind(principal: CurrentUser) -> Principal:
        require_kind(principal, kinds)
        return principal

    return get_caller_of_kind


def require_kind(principal: Principal, kinds: Collection[PrincipalKind]) -> None:
    """Refuse a caller whose credential is of another kind.

    Raises:
        CredentialRefused: it is.
    """
    if principal.kind not in kinds:
        security_event(
            "credential_kind_refused",
            account_id=principal.account_id,
            key_id=principal.key_id,
            kind=principal.kind,
        )
        metrics.authentication(outcome=CredentialRefused.error)
        raise CredentialRefused
