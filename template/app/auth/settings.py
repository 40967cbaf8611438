# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The settings of authentication that every combination of answers has."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field

from app.core.settings import CoreSettings

# OWASP Password Storage Cheat Sheet: argon2id with at least 19 MiB, 2 passes, 1 lane.
OWASP_ARGON2_MEMORY_KIB = 19_456
OWASP_ARGON2_PASSES = 2


class BaseAuthSettings(CoreSettings):
    """What a deployment decides about authentication; durations are in seconds."""

    # Who issues the tokens: the public address of this service, without a path (RFC 8414).
    issuer: str = "http://localhost:8000"
    # Whom the tokens are for; another service that accepts them must name itself here.
    audience: str = "api"
    # The `client_id` claim (RFC 9068): this service's own first-party login.
    client_id: str = "first-party"
    # None: asked for in production only.
    require_verified_email: bool | None = None

    # 15 minutes: how long a stolen access token lives where nothing revokes it.
    access_token_lifetime: int = Field(default=900, ge=60, le=3600)
    # Tokens whose verified signature each worker remembers, about 2 KiB each; 0: none.
    verified_tokens_limit: int = Field(default=10_000, ge=0, le=1_000_000)
    # Two weeks without use, three months at most (ASVS 7.1.1, 7.3.1, 7.3.2).
    session_idle_lifetime: int = Field(default=14 * 86_400, ge=3600)
    session_absolute_lifetime: int = Field(default=90 * 86_400, ge=3600)
    # Who makes an API key chooses how long it lives, to a year; 90 days when nothing is said.
    api_key_max_lifetime: int = Field(default=365 * 86_400, ge=86_400, le=3650 * 86_400)
    # How long a used refresh token may be repeated: lost answers, two tabs. Mobile clients: to 600.
    refresh_grace_period: int = Field(default=30, ge=0, le=600)
    # Answer without the deny-list when it cannot be read. Off: 503, which is the safe choice.
    revocation_fail_open: bool = False

    # argon2id (RFC 9106); production refuses less than the OWASP floor.
    argon2_memory_kib: int = Field(default=OWASP_ARGON2_MEMORY_KIB, ge=8)
    argon2_passes: int = Field(default=OWASP_ARGON2_PASSES, ge=1)
    # One thread keeps memory and other requests' latency; more threads mean more logins a second.
    password_threads: int = Field(default=1, ge=1, le=8)
    # Hashes that may wait; at about 30 ms each the last of these waits 1.5 s, the next gets a 503.
    password_queue: int = Field(default=50, ge=1)

    @property
    def master_secrets(self) -> list[str]:
        """SECRET_KEY and the ones before it, newest first."""
        secrets = [self.secret_key] if self.secret_key else []
        return [secret.get_secret_value() for secret in (*secrets, *self.secret_key_previous)]

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token lives."""
        return timedelta(seconds=self.access_token_lifetime)

    @property
    def verified_email_required(self) -> bool:
        """Whether a login needs a verified e-mail address."""
        if self.require_verified_email is None:
            return self.production
        return self.require_verified_email

    def findings(self) -> list[str]:
        """Return every reason not to start, one sentence each."""
        found = super().findings()
        issuer = urlsplit(self.issuer)
        if issuer.scheme not in {"http", "https"} or not issuer.netloc or issuer.path.strip("/"):
            found.append("ISSUER must be an address like https://api.example.com, without a path.")
        if not self.audience:
            found.append("AUDIENCE must not be empty: it says whom the tokens are for.")
        if self.session_idle_lifetime > self.session_absolute_lifetime:
            found.append("SESSION_IDLE_LIFETIME must not exceed SESSION_ABSOLUTE_LIFETIME.")
        return found + (self._production_findings(issuer.scheme) if self.production else [])

    def _production_findings(self, scheme: str) -> list[str]:
        found = []
        if scheme != "https":
            found.append("ISSUER must start with https:// in production.")
        if self.argon2_memory_kib < OWASP_ARGON2_MEMORY_KIB:
            found.append(f"ARGON2_MEMORY_KIB must be at least {OWASP_ARGON2_MEMORY_KIB} (OWASP).")
        if self.argon2_passes < OWASP_ARGON2_PASSES:
            found.append(f"ARGON2_PASSES must be at least {OWASP_ARGON2_PASSES} (OWASP).")
        return found
