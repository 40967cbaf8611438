# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Login with GitHub: OAuth 2.0 without ID tokens, so its API says who somebody is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from app.auth.oauth.http import asking, authorization_url, get_json, redeem_code
from app.auth.oauth.provider import Callback, Exchange, Identity, Provider
from app.auth.oauth.settings import OAuthSettings, is_https_or_local
from app.auth.schemas import parse_email

# Who the user is, and their addresses; nothing of what they own.
SCOPE = "read:user user:email"
GITHUB = "https://github.com"
API = "https://api.github.com"


class Settings(OAuthSettings):
    """What GitHub gave when this service was registered there."""

    github_client_id: str | None = None
    github_client_secret: SecretStr | None = None
    # GitHub Enterprise Server has others: https://github.example.com, and that with /api/v3.
    github_url: str = GITHUB
    github_api_url: str = API

    def providers(self) -> Mapping[str, Provider]:
        """Return the providers that are configured, by name."""
        if not self.github_client_id or not self.github_client_secret:
            return super().providers()
        github = GitHub(
            url=self.github_url.rstrip("/"),
            api_url=self.github_api_url.rstrip("/"),
            client_id=self.github_client_id,
            client_secret=self.github_client_secret.get_secret_value(),
        )
        return {**super().providers(), github.name: github}

    def findings(self) -> list[str]:
        """Return every reason not to start, one sentence each."""
        found = super().findings()
        for name, address in (
            ("GITHUB_URL", self.github_url),
            ("GITHUB_API_URL", self.github_api_url),
        ):
            if not is_https_or_local(address, production=self.production):
                found.append(f"{name} must start with https:// (http only on this machine).")
        return found + self.client_findings(
            github_client_id=self.github_client_id, github_client_secret=self.github_client_secret
        )


@dataclass(frozen=True)
class GitHub:
    """GitHub, or an Enterprise Server of one's own.

    Args:
        url: where users log in; also the issuer of the identities.
        api_url: where it is asked who they are.
        client_id: what GitHub calls this service.
        client_secret: proves it.
    """

    url: str
    api_url: str
    client_id: str
    client_secret: str
    name: str = "github"

    async def authorization_url(self, exchange: Exchange) -> str:
        """Return where the browser goes, with state and PKCE S256."""
        return authorization_url(
            exchange, f"{self.url}/login/oauth/authorize", self.client_id, SCOPE
        )

    async def identify(self, exchange: Exchange, callback: Callback) -> Identity:
        """Return who came back; see `Provider.identify` for what it raises."""
        # It names itself in no answer yet; when it does, it is the issuer of its metadata.
        callback.require_issuer(f"{self.url}/login/oauth", always=False)
        code = callback.require_code(self.name)
        with asking(self.name):
            token = await redeem_code(
                exchange,
                code,
                endpoint=f"{self.url}/login/oauth/access_token",
                client_id=self.client_id,
                client_secret=self.client_secret,
                basic=False,
            )
            bearer = token["access_token"]
            user = await get_json(exchange.transport, f"{self.api_url}/user", bearer)
            # The login name can be given up and taken by somebody else; the number cannot.
            if type(user["id"]) is not int or user["id"] <= 0:
                raise ValueError("no usable subject")
            addresses = await get_json(exchange.transport, f"{self.api_url}/user/emails", bearer)
            return Identity(self.url, str(user["id"]), _verified_email(addresses))


def _verified_email(addresses: list[dict[str, Any]]) -> str | None:
    """Return the address that is primary and verified; what `/user` shows may be neither."""
    for address in addresses:
        if address.get("primary") is True and address.get("verified") is True:
            return parse_email(str(address["email"])) or None
    return None
