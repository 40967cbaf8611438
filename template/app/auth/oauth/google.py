# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Login with Google: an OpenID provider whose issuer is known."""

from collections.abc import Mapping

from pydantic import SecretStr

from app.auth.oauth.openid import OpenIDProvider
from app.auth.oauth.provider import Provider
from app.auth.oauth.settings import OAuthSettings

ISSUER = "https://accounts.google.com"


class Settings(OAuthSettings):
    """What Google gave when this service was registered there."""

    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None

    def providers(self) -> Mapping[str, Provider]:
        """Return the providers that are configured, by name."""
        if not self.google_client_id or not self.google_client_secret:
            return super().providers()
        google = OpenIDProvider(
            "google",
            issuer=ISSUER,
            client_id=self.google_client_id,
            client_secret=self.google_client_secret.get_secret_value(),
            production=self.production,
        )
        return {**super().providers(), google.name: google}

    def findings(self) -> list[str]:
        """Return every reason not to start, one sentence each."""
        return super().findings() + self.client_findings(
            google_client_id=self.google_client_id, google_client_secret=self.google_client_secret
        )
