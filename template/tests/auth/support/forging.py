# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Tokens with anything in them, signed with a real key: what a careless signer might have made."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from app.auth.signing import TokenKey


def encode_segment(data: bytes) -> str:
    """Return base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_segment(segment: str) -> bytes:
    """Return the bytes of a base64url segment."""
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a token, unverified."""
    header: dict[str, Any] = json.loads(decode_segment(token.split(".")[0]))
    return header


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token, unverified."""
    claims: dict[str, Any] = json.loads(decode_segment(token.split(".")[1]))
    return claims


def sign(header: dict[str, Any] | bytes, payload: dict[str, Any] | bytes, key: TokenKey) -> str:
    """Return a JWS over exactly this header and payload, whatever they say, with this key.

    Args:
        header: an object, or the very bytes to sign.
        payload: an object, or the very bytes to sign.
        key: signs by its own algorithm, not by the one that the header names.
    """
    signing_input = f"{encode_segment(_json(header))}.{encode_segment(_json(payload))}"
    return f"{signing_input}.{encode_segment(_signature(signing_input.encode(), key))}"


def _json(value: dict[str, Any] | bytes) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def _signature(message: bytes, key: TokenKey) -> bytes:
    if key.alg == "HS256":
        return hmac.digest(key.material.signing, message, "sha256")
    signature: bytes = key.material.signing.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return signature
