# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What an OpenID provider publishes about itself: its addresses and its keys, kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import httpx2
from authlib.oidc.discovery import get_well_known_url  # type: ignore[import-untyped]
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from app.auth.oauth.http import RETRY_SECONDS, asking, get_json
from app.auth.oauth.settings import is_https_or_local
from app.core.errors import ServiceUnavailable

KEEP_FOR = timedelta(hours=1)
# A key that is not known may be new; nobody can make us ask more often than this.
ASK_AGAIN_AFTER = timedelta(seconds=30)
MAX_KEYS = 100
MIN_RSA_BITS = 2048  # RFC 7518 section 3.3

T = TypeVar("T")
Key = RSAKey | ECKey
Keys = Mapping[str | None, Key]


@dataclass(frozen=True)
class Metadata:
    """The members of a provider's document that matter here (OpenID Connect Discovery 1.0)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    # Whether it always says who it is when it sends a browser back (RFC 9207).
    names_itself: bool
    # How this client proves itself: by a header, or else in the form (RFC 6749 section 2.3.1).
    basic: bool


class Kept(Generic[T]):
    """Something that a provider publishes: asked for by one at a time, and not too often.

    Args:
        fetch: asks the provider.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]]) -> None:
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._fetched_at: datetime | None = None
        self._failed_at: datetime | None = None

    async def get(self, now: datetime, wanted: Callable[[T], bool] = lambda _: True) -> T:
        """Return the value; asked for again when it is old or is not what is wanted.

        Raises:
            ServiceUnavailable: there is none, and the provider does not answer.
            ProviderError: there is none, and its answer cannot be used.
        """
        if (kept := self._fresh(now, wanted)) is not None:
            return kept
        async with self._lock:  # one flight: who waited finds what the other brought
            if (kept := self._fresh(now, wanted)) is not None:
                return kept
            if self._failed_at and now - self._failed_at < timedelta(seconds=RETRY_SECONDS):
                raise ServiceUnavailable(RETRY_SECONDS)
            self._failed_at = now
            value = await self._fetch()
            self._value, self._fetched_at, self._failed_at = value, now, None
            return value

    def _fresh(self, now: datetime, wanted: Callable[[T], bool]) -> T | None:
        if self._value is None or self._fetched_at is None:
            return None
        age = now - self._fetched_at
        enough = age < ASK_AGAIN_AFTER or (age < KEEP_FOR and wanted(self._value))
        return self._value if enough else None


async def fetch_metadata(
    transport: httpx2.AsyncBaseTransport, issuer: str, *, production: bool
) -> Metadata:
    """Return what a provider says about itself.

    Raises:
        ServiceUnavailable: it does not answer.
        ProviderError: the document is another issuer's, or names addresses that are not safe.
    """
    with asking(issuer):
        document = await get_json(transport, get_well_known_url(issuer, external=True))
        # Another issuer's document would let that one speak for this one (Discovery section 4.3).
        if document["issuer"] != issuer:
            raise ValueError("the document is of another issuer")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        metadata = Metadata(
            authorization_endpoint=document["authorization_endpoint"],
            token_endpoint=document["token_endpoint"],
            jwks_uri=document["jwks_uri"],
            userinfo_endpoint=document.get("userinfo_endpoint"),
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
            basic="client_secret_basic" in methods,
        )
        endpoints = [metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri]
        for endpoint in [*endpoints, *filter(None, [metadata.userinfo_endpoint])]:
            if not is_https_or_local(endpoint, production=production):
                raise ValueError("an endpoint is not https")
    return metadata


async def fetch_keys(transport: httpx2.AsyncBaseTransport, jwks_uri: str) -> Keys:
    """Return the keys that may sign ID tokens, by kid; a key that cannot is left out."""
    with asking(jwks_uri):
        document = await get_json(transport, jwks_uri)
        keys = [_usable_key(data) for data in document["keys"][:MAX_KEYS]]
    return {_kid(key): key for key in keys if key is not None}


def _usable_key(data: Any) -> Key | None:
    """Return a public key for signatures; never a shared secret, which would let anybody sign."""
    kinds: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
    try:
        if data["kty"] not in kinds or data.get("use", "sig") != "sig" or "d" in data:
            return None
        key = kinds[data["kty"]].import_key(data)
        if isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS:
            return None
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return key


def _kid(key: Key) -> str | None:
    kid = key.get("kid")
    return kid if isinstance(kid, str) else None
