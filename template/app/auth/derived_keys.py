# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Keys derived from SECRET_KEY, one for each purpose, and what is done with them. No I/O.

Several secrets may be configured, newest first: new data uses the newest, old data is read with
whichever derived it, so that SECRET_KEY rotates without down time.
"""

import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12  # AES-GCM, NIST SP 800-38D section 8.2
SECRET_BYTES = 32  # 256 random bits in every secret this service hands out
KEY_ID_CHARACTERS = 16


class UnsealError(Exception):
    """None of the configured secrets opens this data: SECRET_KEY was replaced, not rotated."""


@dataclass(frozen=True)
class DerivedKey:
    """A key for one purpose, and the public id by which stored rows name it."""

    id: str
    key: bytes


class DerivedKeys:
    """Every key that comes from SECRET_KEY.

    Args:
        master_secrets: the configured secrets, newest first; at least one.
    """

    def __init__(self, master_secrets: Sequence[str]) -> None:
        if not master_secrets:
            raise ValueError("at least one SECRET_KEY is needed")
        self._masters = [secret.encode() for secret in master_secrets]
        self._cache: dict[str, list[DerivedKey]] = {}

    def all(self, purpose: str) -> list[DerivedKey]:
        """Return the keys for a purpose, newest first."""
        if purpose not in self._cache:
            self._cache[purpose] = [_derive(master, purpose) for master in self._masters]
        return self._cache[purpose]

    def newest(self, purpose: str) -> DerivedKey:
        """Return the key that new data of this purpose uses."""
        return self.all(purpose)[0]

    def find(self, purpose: str, key_id: str | None) -> DerivedKey | None:
        """Return the key with this id, or None when its secret is no longer configured."""
        return next((key for key in self.all(purpose) if key.id == key_id), None)

    def seal(self, purpose: str, plaintext: bytes, context: bytes) -> bytes:
        """Encrypt for storage (AES-256-GCM); `context` binds the result to its row."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.newest(purpose).key).encrypt(nonce, plaintext, context)

    def unseal(self, purpose: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            UnsealError: no configured secret made it for this purpose and context.
        """
        for key in self.all(purpose):
            try:
                return AESGCM(key.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
            except InvalidTag:
                continue
        raise UnsealError(f"no configured SECRET_KEY opens this {purpose} data")

    def fingerprint(self, purpose: str, value: str) -> str:
        """Return a keyed hash that can stand for personal data in keys of counters and cookies."""
        return _hmac(self.newest(purpose).key, value.encode()).hex()

    def is_fingerprint(self, purpose: str, value: str, fingerprint: str) -> bool:
        """Tell whether a configured secret made this fingerprint, compared in constant time."""
        wanted = fingerprint.encode()
        made = [_hmac(key.key, value.encode()).hex().encode() for key in self.all(purpose)]
        return any(hmac.compare_digest(candidate, wanted) for candidate in made)


def new_secret() -> str:
    """Return 256 random bits as 43 characters of base64url (ASVS 7.2.3, 11.5.1)."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> bytes:
    """Return the SHA-256 under which a 256-bit secret is stored.

    No salt and no stretching: there is nothing to guess in 256 random bits (ASVS 11.4.2 is about
    passwords).
    """
    return hashlib.sha256(secret.encode()).digest()


def successor_of(key: DerivedKey, salt: bytes, refresh_token: str) -> str:
    """Return the one refresh token that follows this one, so that a retry gets the same again."""
    digest = _hmac(key.key, salt + refresh_token.encode())
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _derive(master: bytes, purpose: str) -> DerivedKey:
    key = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(master)
    return DerivedKey(_hmac(key, b"key id").hex()[:KEY_ID_CHARACTERS], key)
