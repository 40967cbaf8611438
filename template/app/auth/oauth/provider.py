# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a provider is to the flow; one file each."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx2
from structlog.stdlib import get_logger

from app.auth.oauth.errors import AccessDenied, ProviderError
from app.core.errors import InvalidGrant

MAX_LOGGED_CHARACTERS = 64

log = get_logger("app.auth.oauth")


@dataclass(frozen=True)
class Identity:
    """Somebody as a provider knows them.

    Attributes:
        issuer: the provider's own name for itself, as an address.
        subject: never given to anybody else by this issuer.
        email: None unless the provider has verified it.
    """

    issuer: str
    subject: str
    email: str | None


@dataclass(frozen=True)
class FlowSecrets:
    """What one flow alone knows.

    Nonce and code verifier are derived from what the browser holds, so that nothing in the
    database, not even for ten minutes, is worth anything without that browser.

    Attributes:
        state: goes through the provider and comes back (RFC 6749 section 10.12).
        browser: 256 random bits in the cookie of this flow.
    """

    state: str
    browser: str

    @property
    def nonce(self) -> str:
        """What the ID token must repeat (OpenID Connect Core section 3.1.2.1)."""
        return self._derive(b"nonce")

    @property
    def code_verifier(self) -> str:
        """What only this flow can show for its code (RFC 7636)."""
        return self._derive(b"code_verifier")

    def _derive(self, purpose: bytes) -> str:
        digest = hmac.digest(self.browser.encode(), purpose, "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Callback:
    """What came back with the browser, unchecked; the state aside, which found the flow."""

    code: str | None
    issuer: str | None
    error: str | None

    def require_issuer(self, issuer: str, *, always: bool) -> None:
        """Refuse an answer that another issuer gave (RFC 9207 section 2.4, mix-up).

        Args:
            issuer: who was asked.
            always: whether this provider is known to say who it is.

        Raises:
            InvalidGrant: it is another's, or is not said.
        """
        if self.issuer != issuer and (always or self.issuer is not None):
            log.warning("provider_mixed_up", expected=issuer)
            raise InvalidGrant

    def require_code(self, provider: str) -> str:
        """Return the code that came back.

        Raises:
            AccessDenied: the user, or the provider, said no.
            ProviderError: neither a code nor a refusal came.
        """
        if self.error == "access_denied":
            raise AccessDenied
        if self.error is not None or self.code is None:
            log.warning("provider_refused", provider=provider, code=loggable(self.error or ""))
            raise ProviderError
        return self.code


@dataclass(frozen=True)
class Exchange:
    """What a provider needs for its part of a flow.

    Attributes:
        transport: carries requests to providers, bounded.
        secrets: of this flow.
        redirect_uri: where the provider sends the browser back to.
        now: from the injected clock.
    """

    transport: httpx2.AsyncBaseTransport
    secrets: FlowSecrets
    redirect_uri: str
    now: datetime


class Provider(Protocol):
    """Sends a browser to somebody who knows its user, and asks them who that is."""

    @property
    def name(self) -> str:
        """What the provider is called in our own addresses."""
        ...

    async def authorization_url(self, exchange: Exchange) -> str:
        """Return where the browser goes, with state, nonce and PKCE S256.

        Raises:
            ServiceUnavailable: the provider does not answer.
            ProviderError: what it answers cannot be used.
        """
        ...

    async def identify(self, exchange: Exchange, callback: Callback) -> Identity:
        """Return who came back.

        Raises:
            InvalidGrant: the answer is another issuer's (RFC 9207), or its code is used up.
            AccessDenied: the user, or the provider, said no.
            ServiceUnavailable: the provider does not answer.
            ProviderError: what it answers cannot be used.
        """
        ...


def loggable(code: str) -> str:
    """Return an error code of somebody else's making in a form that a log can hold."""
    return "".join(c for c in code if c.isascii() and c.isprintable())[:MAX_LOGGED_CHARACTERS]
