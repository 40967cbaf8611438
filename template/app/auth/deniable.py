# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a deny-list is asked about: an access token by its claims, or an API key as if it had some.

A key's id stands where a token's `jti` does, so that a key is denied by the same entries, and its
owner's version is the one that was read with it: below the denied one, it was read too early.
"""

from typing import NamedTuple, Protocol
from uuid import UUID


class Deniable(Protocol):
    """By what a credential can be denied."""

    @property
    def token_id(self) -> str:
        """The `jti` of a token, or the public id of a key."""
        ...

    @property
    def session_id(self) -> UUID | None:
        """The login that it came from; None for a key."""
        ...

    @property
    def subject(self) -> UUID:
        """The account."""
        ...

    @property
    def version(self) -> int:
        """The account's version that the credential was accepted for."""
        ...


class DeniableKey(NamedTuple):
    """An API key that a worker has in memory."""

    token_id: str
    subject: UUID
    version: int
    session_id: None = None
