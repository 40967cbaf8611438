# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The RS256 strategy: RSA keys of 3072 bits, whose public half is published in the JWKS."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import RSAAlgorithm

from app.auth.signing import SigningAlgorithm, SigningMaterial

RSA_BITS = 3072  # 128-bit strength, NIST SP 800-57 part 1 table 2
RSA_PUBLIC_EXPONENT = 65537


class RS256:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3)."""

    name = "RS256"

    def generate(self) -> bytes:
        """Return a new private key as PKCS 8 DER."""
        key = rsa.generate_private_key(RSA_PUBLIC_EXPONENT, RSA_BITS)
        return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def load(self, private: bytes) -> SigningMaterial:
        """Return the key objects for a key made by `generate`."""
        key = load_der_private_key(private, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("an RS256 signing key is an RSA key")
        return SigningMaterial(signing=key, verifying=key.public_key())

    def public_jwk(self, material: SigningMaterial) -> dict[str, Any] | None:
        """Return the public half as a JWK (RFC 7517), never a private member."""
        # From the public key object: given a private key, to_jwk would publish its private part.
        jwk: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(material.verifying))
        return {"kty": jwk["kty"], "n": jwk["n"], "e": jwk["e"]}


signing_algorithm: SigningAlgorithm = RS256()
