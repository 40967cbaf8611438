# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What an API key looks like: `gate_<kind>_<id12>_<secret43><crc6>`. No I/O.

The public id says which key it is, also in logs. The secret holds 256 random bits. The checksum
covers everything before it, so that a scanner tells a key from a look-alike without asking anybody,
and a mistyped key costs no look-up. Only letters and digits stand between the underscores: a double
click selects the whole key, and no shell or URL changes it.
"""

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Literal, cast

KeyKind = Literal["user", "svc"]

# For secret scanners; docs/how-to/api-keys.md publishes it. RE2, PCRE and Python read it alike.
KEY_PATTERN = r"\bgate_(?:user|svc)_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b"
KEY_PREFIX = "gate_"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_CHARACTERS = 12  # 71 bits: two keys never share one
_SECRET_BYTES = 32
_SECRET_CHARACTERS = 43  # the least that holds 256 bits in base 62
_CHECKSUM_CHARACTERS = 6  # the least that holds 32 bits in base 62
_FORM = re.compile(KEY_PATTERN, re.ASCII)


@dataclass(frozen=True)
class PresentedKey:
    """A text that has the form and the checksum of a key; whether it is one is not known yet.

    Attributes:
        kind: whose key it says it is.
        id: the public id.
        digest: SHA-256 of the whole text: what is stored of a key, and what caches go by.
    """

    kind: KeyKind
    id: str
    digest: bytes


def make_key(kind: KeyKind) -> tuple[str, PresentedKey]:
    """Return a new key, and what is stored of it."""
    public_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARACTERS))
    secret = _base62(int.from_bytes(secrets.token_bytes(_SECRET_BYTES)), _SECRET_CHARACTERS)
    text = f"{KEY_PREFIX}{kind}_{public_id}_{secret}"
    text += checksum(text)
    return text, PresentedKey(kind, public_id, hash_key(text))


def checksum(text: str) -> str:
    """Return the checksum that follows this beginning of a key: its CRC-32 in base 62."""
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_CHARACTERS)


def read_key(text: str) -> PresentedKey | None:
    """Return what a text says of itself, or None when its form or its checksum is not a key's."""
    if not _FORM.fullmatch(text):
        return None
    if checksum(text[:-_CHECKSUM_CHARACTERS]) != text[-_CHECKSUM_CHARACTERS:]:
        return None
    _, kind, public_id, _ = text.split("_")
    return PresentedKey(cast(KeyKind, kind), public_id, hash_key(text))


def hash_key(text: str) -> bytes:
    """Return the SHA-256 of a whole key; kind and id are in it, so no part can be exchanged.

    No salt and no stretching: there is nothing to guess in 256 random bits (ASVS 11.4.2 is about
    passwords).
    """
    return hashlib.sha256(text.encode()).digest()


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
