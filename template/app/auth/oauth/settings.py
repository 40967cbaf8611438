# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The settings that all providers share; each provider's file adds its own."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import Field

from app.auth.oauth.provider import Provider
from app.auth.settings import BaseAuthSettings
from app.core.settings import CommaSeparated

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_RETURN_ADDRESS_CHARACTERS = 2048  # as much as the flow's row holds


class OAuthSettings(BaseAuthSettings):
    """Where browsers may be sent after a login with a provider."""

    # Whole addresses, compared letter by letter (RFC 9700 section 4.1.3); the first is the default.
    oauth_return_to: CommaSeparated = Field(default=[])

    def providers(self) -> Mapping[str, Provider]:
        """Return the providers that are configured, by name."""
        return {}

    @property
    def return_addresses(self) -> list[str]:
        """Every address that a browser may be sent to: those of the setting, and the docs page."""
        docs = [f"{self.issuer.rstrip('/')}/docs"] if self.shows_docs else []
        return [*self.oauth_return_to, *docs]

    def redirect_uri(self, provider: str) -> str:
        """Return the address that is registered at a provider."""
        return f"{self.issuer.rstrip('/')}/auth/oauth/{provider}/callback"

    def findings(self) -> list[str]:
        """Return every reason not to start, one sentence each."""
        found = super().findings()
        for address in self.oauth_return_to:
            if not _is_plain(address):
                found.append(
                    f"OAUTH_RETURN_TO holds {address!r}: list whole addresses without user, query "
                    "and fragment, such as https://app.example.com/welcome"
                )
            elif self.production and not address.startswith("https://"):
                found.append(f"OAUTH_RETURN_TO holds {address!r}: use https in production")
        if self.production and not self.oauth_return_to:
            found.append("OAUTH_RETURN_TO is missing: list where a browser goes after its login")
        return found

    def client_findings(self, **values: object) -> list[str]:
        """Return what is missing of a provider: in production all, elsewhere the other half."""
        missing = [name.upper() for name, value in values.items() if not value]
        if not missing or (len(missing) == len(values) and not self.production):
            return []
        return [f"{name} is missing: register this service at the provider" for name in missing]


def is_https_or_local(address: str, *, production: bool) -> bool:
    """Tell whether a server may be asked there: over TLS, or, in local use, on this machine."""
    parts = urlsplit(address)
    local = parts.scheme == "http" and parts.hostname in LOOPBACK and not production
    return bool(parts.hostname) and (parts.scheme == "https" or local)


def _is_plain(address: str) -> bool:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        # What urlsplit makes of it must be all of it: no user, backslash, query or fragment.
        whole = f"{parts.scheme}://{parts.netloc}{parts.path}" == address
    except ValueError:
        return False
    odd = {"@", "\\", "*"} & set(address) or not address.isascii() or not address.isprintable()
    return usable and whole and not odd and len(address) <= MAX_RETURN_ADDRESS_CHARACTERS
