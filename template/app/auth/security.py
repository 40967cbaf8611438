# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Access tokens: how they are signed and every check before one is believed. No I/O.

The token is a JWT as RFC 9068 describes it. The checks run from the cheap to the dear, and nothing
that the token says is used before its signature holds, the choice of the key aside.
"""

import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from app.auth.signing import TokenKey
from app.core.strict_json import parse_json_object

TOKEN_TYPE = "at+jwt"  # RFC 9068 section 2.1: no other kind of JWT can pass for an access token
MAX_TOKEN_CHARACTERS = 8192  # 8 KiB, far above what is issued (about 800) and cheap to refuse
LEEWAY = timedelta(seconds=30)  # clocks of two hosts may differ by this much
MAX_VERSION = 2**31 - 1  # the column that it is compared with; a larger one would be an error there
UNKNOWN_KID = "unknown_kid"  # the reason after which the keys may be worth reading again
_COMPACT_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER_MEMBERS = {"alg", "kid", "typ"}  # so jku, jwk, x5u, x5c and crit can never matter


class TokenRejected(Exception):
    """Not a valid access token of this service; `reason` is for metrics, not for answers."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class AccessClaims:
    """The claims of an access token (RFC 9068 section 2.2), none of them personal data."""

    issuer: str
    subject: UUID
    audience: str
    client_id: str
    issued_at: datetime
    expires_at: datetime
    token_id: str
    session_id: UUID
    version: int
    auth_time: datetime
    scope: str


def sign_access_token(claims: AccessClaims, key: TokenKey) -> str:
    """Return the signed token in compact form."""
    payload = {
        "iss": claims.issuer,
        "sub": str(claims.subject),
        "aud": claims.audience,
        "client_id": claims.client_id,
        "iat": int(claims.issued_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
        "jti": claims.token_id,
        "sid": str(claims.session_id),
        "ver": claims.version,
        "auth_time": int(claims.auth_time.timestamp()),
        "scope": claims.scope,
    }
    headers = {"typ": TOKEN_TYPE, "kid": key.kid}
    return jwt.encode(payload, key.material.signing, algorithm=key.alg, headers=headers)


def read_key_id(token: str) -> str:
    """Return the `kid` of a token whose form and header are those of our access tokens.

    Raises:
        TokenRejected: too long, not three base64url segments, or another header than ours.
    """
    if len(token) > MAX_TOKEN_CHARACTERS or not _COMPACT_FORM.fullmatch(token):
        raise TokenRejected("malformed")
    header = _read_header(token)
    if header.keys() != _HEADER_MEMBERS:
        raise TokenRejected("header_members")
    if header["typ"] != TOKEN_TYPE:
        raise TokenRejected("typ")
    kid = header["kid"]
    if not isinstance(kid, str):
        raise TokenRejected("kid")
    return kid


def verify_signature(token: str, key: TokenKey) -> bytes:
    """Return the payload of a JWS whose algorithm is the key's own and whose signature holds.

    Raises:
        TokenRejected: another algorithm, or the signature is not this key's (RFC 8725 section 3.1).
    """
    try:
        # One algorithm, the key's: the header's is compared with it and never chooses.
        payload: bytes = jwt.PyJWS().decode(token, key.material.verifying, algorithms=[key.alg])
    except (jwt.InvalidTokenError, ValueError) as error:
        raise TokenRejected("signature") from error
    return payload


@dataclass(frozen=True)
class TokenPolicy:
    """What an access token must say to be meant for this service."""

    issuer: str
    audience: str
    lifetime: timedelta


def verify_access_token(
    token: str, find_key: Callable[[str], TokenKey | None], policy: TokenPolicy, now: datetime
) -> tuple[AccessClaims, TokenKey]:
    """Return the claims of a valid access token and its key; revocation is the caller's to ask.

    Args:
        token: the token as presented, without the scheme.
        find_key: gives the key that verifies for a kid now, or None.
        policy: issuer, audience and lifetime.
        now: the current time, UTC.

    Raises:
        TokenRejected: any check of RFC 9068 section 4 or RFC 8725 section 3 failed.
    """
    key = find_key(read_key_id(token))
    if key is None:
        raise TokenRejected(UNKNOWN_KID)  # of our form, with a key that is none now
    claims = _read_claims(verify_signature(token, key))
    require_current(claims, policy, now)
    return claims, key


def require_current(claims: AccessClaims, policy: TokenPolicy, now: datetime) -> None:
    """Refuse claims that are not meant for this service, or not at this moment.

    Raises:
        TokenRejected: issuer, audience, time or lifetime (RFC 9068 section 4).
    """
    if claims.issuer != policy.issuer or claims.audience != policy.audience:
        raise TokenRejected("issuer_or_audience")
    if max(claims.issued_at, claims.auth_time) > now + LEEWAY:
        raise TokenRejected("issued_in_the_future")
    if claims.expires_at <= now - LEEWAY:
        raise TokenRejected("expired")
    if not timedelta(0) < claims.expires_at - claims.issued_at <= policy.lifetime:
        raise TokenRejected("lifetime")


def _read_claims(signed_payload: bytes) -> AccessClaims:
    try:
        payload = parse_json_object(signed_payload)
        return AccessClaims(
            issuer=_text(payload["iss"]),
            subject=UUID(_text(payload["sub"])),
            audience=_text(payload["aud"]),
            client_id=_text(payload["client_id"]),
            issued_at=_time(payload["iat"]),
            expires_at=_time(payload["exp"]),
            token_id=_text(payload["jti"]),
            session_id=UUID(_text(payload["sid"])),
            version=_integer(payload["ver"], at_most=MAX_VERSION),
            auth_time=_time(payload["auth_time"]),
            scope=_text(payload["scope"], may_be_empty=True),
        )
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise TokenRejected("claims") from error


def _text(value: object, *, may_be_empty: bool = False) -> str:
    # Unprintable are NUL and lone surrogates too, on which PostgreSQL and Redis would fail.
    if not isinstance(value, str) or not value.isprintable() or not (value or may_be_empty):
        raise ValueError("not a text")
    return value


def _integer(value: object, *, at_most: float = math.inf) -> int:
    # bool is an int in Python, a float may be NaN, and a numeric string is none of ours.
    if type(value) is not int or not 0 <= value <= at_most:
        raise ValueError("not a non-negative integer, or a huge one")
    return value


def _time(value: object) -> datetime:
    return datetime.fromtimestamp(_integer(value), UTC)  # a NumericDate, RFC 7519 section 2


def _read_header(token: str) -> dict[str, Any]:
    segment = token.partition(".")[0]
    try:
        return parse_json_object(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError as error:
        raise TokenRejected("malformed") from error
