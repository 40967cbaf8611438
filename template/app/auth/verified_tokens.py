# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Access tokens whose signature this worker has seen hold, so that it is checked once and not anew.

Only what can never change is remembered: that these bytes carry these claims under this key, and
from when until when they are good under this policy. Key, policy and time are asked each time, with
the function that asks them of a new token in any doubt, and the deny-list after them by the caller.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from app.auth.derived_keys import hash_secret
from app.auth.keyring import Keyring
from app.auth.principal import Principal
from app.auth.security import (
    LEEWAY,
    AccessClaims,
    TokenPolicy,
    require_current,
    verify_access_token,
)
from app.auth.signing import TokenKey


@dataclass(frozen=True, slots=True)
class Verified:
    """An access token that passed every check but revocation.

    Attributes:
        claims: as signed.
        principal: the caller that they name.
        key: what the signature was checked with.
        policy: what the claims were held against.
        since: the first moment at which they are good under that policy.
        until: the first at which they are good no more.
    """

    claims: AccessClaims
    principal: Principal
    key: TokenKey
    policy: TokenPolicy
    since: datetime
    until: datetime


class VerifiedTokens:
    """The tokens of one worker; the one that went unused for longest is forgotten first.

    Args:
        keyring: the keys that verify now.
        policy: issuer, audience and lifetime.
        limit: tokens at most, about 2 KiB each; 0 remembers none.
    """

    def __init__(self, keyring: Keyring, policy: TokenPolicy, limit: int) -> None:
        self._keyring = keyring
        self._policy = policy
        self._limit = limit
        # By the SHA-256 of the text as presented: one "=" more, or another spelling of the header,
        # is another token. The text itself is not kept.
        self._seen: OrderedDict[bytes, Verified] = OrderedDict()
        keyring.on_change(self._forget_ended_keys)

    def __len__(self) -> int:
        return len(self._seen)

    def verify(self, token: str, now: datetime) -> Verified:
        """Verify a token, its signature at the first time only.

        Raises:
            TokenRejected: any check of RFC 9068 section 4 or RFC 8725 section 3 failed.
        """
        digest = hash_secret(token)
        verified = self._seen.pop(digest, None)  # what is refused below does not come back
        if verified is not None and self._is_verifying(verified.key):
            if verified.policy is not self._policy or not verified.since <= now < verified.until:
                require_current(verified.claims, self._policy, now)
        else:
            verified = self._verify(token, now)
        self._seen[digest] = verified
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return verified

    def _verify(self, token: str, now: datetime) -> Verified:
        claims, key = verify_access_token(token, self._keyring.find, self._policy, now)
        principal = Principal(
            account_id=claims.subject,
            scopes=frozenset(claims.scope.split()),
            session_id=claims.session_id,
            auth_time=claims.auth_time,
            token_version=claims.version,
        )
        return Verified(
            claims,
            principal,
            key,
            self._policy,
            since=max(claims.issued_at, claims.auth_time) - LEEWAY,
            until=claims.expires_at + LEEWAY,
        )

    def _is_verifying(self, key: TokenKey) -> bool:
        return self._keyring.find(key.kid) is key

    def _forget_ended_keys(self) -> None:
        for digest, verified in list(self._seen.items()):
            if not self._is_verifying(verified.key):
                del self._seen[digest]
