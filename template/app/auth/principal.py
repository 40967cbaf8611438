# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Who is calling, as a route sees it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

# "user": a person who logged in. "user_key": an API key of a person's account. "service_key": an
# API key of a service principal.
PrincipalKind = Literal["user", "user_key", "service_key"]


@dataclass(frozen=True)
class Principal:
    """The caller of a request whose credentials have been verified; nothing personal.

    Attributes:
        account_id: the account that the credential belongs to; service principals have one too.
        scopes: what this credential may do; at most what the account holds.
        session_id: the login it came from; None for an API key.
        auth_time: when the owner last proved who they are; None for an API key, which never does.
        token_version: the version of the account that the credential was accepted for.
        kind: what kind of credential it was.
        key_id: the public id of the API key; None for an access token.
    """

    account_id: UUID
    scopes: frozenset[str]
    session_id: UUID | None
    auth_time: datetime | None
    token_version: int
    kind: PrincipalKind = "user"
    key_id: str | None = None

    @property
    def subject(self) -> str:
        """The `sub` of the caller: the account's id, with `svc:` before a service principal's."""
        prefix = "svc:" if self.kind == "service_key" else ""
        return f"{prefix}{self.account_id}"
