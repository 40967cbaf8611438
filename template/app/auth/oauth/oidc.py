# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Login with any OpenID provider: Keycloak, Entra ID, Okta, Auth0 and the like."""

from collections.abc import Mapping

from pydantic import SecretStr

from app.auth.oauth.openid import OpenIDProvider
from app.auth.oauth.provider import Provider
from app.auth.oauth.settings import OAuthSettings, is_https_or_local


class Settings(OAuthSettings):
    """Which provider, and what it gave when this service was registered there."""

    # Exactly as the provider's own document writes it, with or without a slash at the end.
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    def providers(self) -> Mapping[str, Provider]:
        """Return the providers that are configured, by name."""
        if not self.oidc_issuer or not self.oidc_client_id or not self.oidc_client_secret:
            return super().providers()
        oidc = OpenIDProvider(
            "oidc",
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=self.oidc_client_secret.get_secret_value(),
            production=self.production,
        )
        return {**super().providers(), oidc.name: oidc}

    def findings(self) -> list[str]:
        """Return every reason not to start, one sentence each."""
        found = super().findings()
        if self.oidc_issuer and not is_https_or_local(self.oidc_issuer, production=self.production):
            found.append("OIDC_ISSUER must start with https:// (http only on this machine).")
        return found + self.client_findings(
            oidc_issuer=self.oidc_issuer,
            oidc_client_id=self.oidc_client_id,
            oidc_client_secret=self.oidc_client_secret,
        )
