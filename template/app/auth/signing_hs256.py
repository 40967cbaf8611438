# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The HS256 strategy: one random secret signs and verifies, and is never published."""

import secrets
from typing import Any

from app.auth.signing import SigningAlgorithm, SigningMaterial

HMAC_KEY_BYTES = 32  # as long as the hash, RFC 7518 section 3.2


class HS256:
    """HMAC with SHA-256 (RFC 7518 section 3.2)."""

    name = "HS256"

    def generate(self) -> bytes:
        """Return a new key of 32 random bytes."""
        return secrets.token_bytes(HMAC_KEY_BYTES)

    def load(self, private: bytes) -> SigningMaterial:
        """Return the key for signing and verifying, which are the same."""
        return SigningMaterial(signing=private, verifying=private)

    def public_jwk(self, material: SigningMaterial) -> dict[str, Any] | None:
        """Return None: an HMAC key has no public half."""
        return None


signing_algorithm: SigningAlgorithm = HS256()
