# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Who is calling, as a route sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True)
class Principal:
    """The caller of a request whose credentials have been verified; nothing personal.

    Attributes:
        account_id: the account, the `sub` of the token.
        scopes: what this token may do; at most what the account holds.
        session_id: the login it came from.
        auth_time: when the owner last proved who they are.
        token_version: the version of the account that the token was issued for.
        kind: what kind of credential it was.
    """

    account_id: UUID
    scopes: frozenset[str]
    session_id: UUID
    auth_time: datetime
    token_version: int
    kind: Literal["user"] = "user"
