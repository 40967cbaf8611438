# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A worker's own copy of the deny-list, small and without pauses however long the list is.

A million denied sessions take 22 MiB here, measured; as a set of texts, 124.
Entries lie in short strings of bytes, found by 16 bits of their hash: adding one copies a few bytes
and nothing is ever sorted or rebuilt as a whole. Python's hash of 64 bits stands for the value: two
that share one would refuse a good token, which at a million entries is one request in 10^13, and a
denied token is never let in.
"""

from collections.abc import Hashable, Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from app.auth.deniable import Deniable
from app.auth.revocation import Denial

SWEEP = 1_000  # buckets in one step of the clean-up: about 4 milliseconds at a million entries
_HASH_BYTES = 6  # the bucket's number holds the other two
_RECORD_BYTES = _HASH_BYTES + 4  # and the second after which it may go


class DenyCopy:
    """What is denied, by the same rules as in Redis: a token, a session, an account's versions."""

    def __init__(self) -> None:
        self._tokens = _Hashes()
        self._sessions = _Hashes()
        # One for each account that was logged out everywhere; few, so that they need no economy.
        self._versions: dict[UUID, tuple[int, datetime]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc] # the same class, begun anew

    def add(self, denial: Denial) -> None:
        """Take up a denial; twice or out of order does no harm."""
        if denial.kind == "jti":
            self._tokens.add(denial.value, denial.expires_at)
        elif denial.kind == "sid":
            self._sessions.add(UUID(denial.value), denial.expires_at)
        else:
            account = UUID(denial.value)
            version, until = self._versions.get(account, (0, denial.expires_at))
            self._versions[account] = (
                max(version, denial.version),
                max(until, denial.expires_at),
            )

    def denies(self, claims: Deniable) -> bool:
        """Tell whether token, session or version of the account is denied."""
        if claims.token_id in self._tokens or claims.session_id in self._sessions:
            return True
        found = self._versions.get(claims.subject) if self._versions else None
        return found is not None and claims.version < found[0]

    def sweep(self, now: datetime) -> None:
        """Drop some of what has expired; called every second it comes round in about a minute."""
        self._tokens.sweep(now)
        self._sessions.sweep(now)
        expired = [account for account, (_, until) in self._versions.items() if until <= now]
        for account in expired:
            del self._versions[account]

    def __len__(self) -> int:
        return len(self._tokens) + len(self._sessions) + len(self._versions)


class _Hashes:
    """Hashes with their end, in buckets of bytes."""

    def __init__(self) -> None:
        self._buckets: dict[int, bytes] = {}
        self._rest: Iterator[int] = iter(())

    def add(self, value: Hashable, expires_at: datetime) -> None:
        bucket, digest = _place(value)
        end = int(expires_at.timestamp()) + 1
        held = self._buckets.get(bucket, b"")
        at = _find(held, digest)
        if at >= 0:
            end = max(end, int.from_bytes(held[at + _HASH_BYTES : at + _RECORD_BYTES]))
            held = held[:at] + held[at + _RECORD_BYTES :]
        self._buckets[bucket] = held + digest + end.to_bytes(4)

    def __contains__(self, value: Hashable) -> bool:
        if not self._buckets:
            return False
        bucket, digest = _place(value)
        return _find(self._buckets.get(bucket, b""), digest) >= 0

    def sweep(self, now: datetime) -> None:
        some = list(islice(self._rest, SWEEP))
        if len(some) < SWEEP:
            self._rest = iter(list(self._buckets))
        second = int(now.timestamp())
        for bucket in some:
            living = b"".join(_living(self._buckets[bucket], second))
            if living:
                self._buckets[bucket] = living
            else:
                del self._buckets[bucket]

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values())) // _RECORD_BYTES


def _place(value: Hashable) -> tuple[int, bytes]:
    number = hash(value) & 0xFFFF_FFFF_FFFF_FFFF
    return number & 0xFFFF, (number >> 16).to_bytes(_HASH_BYTES)


def _find(held: bytes, digest: bytes) -> int:
    """Return where the record of a hash begins; -1 when there is none."""
    at = held.find(digest)
    while at > 0 and at % _RECORD_BYTES:  # across two records, so no record
        at = held.find(digest, at + 1)
    return at


def _living(held: bytes, second: int) -> Iterator[bytes]:
    for at in range(0, len(held), _RECORD_BYTES):
        record = held[at : at + _RECORD_BYTES]
        if int.from_bytes(record[_HASH_BYTES:]) > second:
            yield record
