"""Private keys, and the tokens that a Gatehouse service makes."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator

# RFC 7468, and what OpenSSH and PGP write alike.
_PEM = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
# The key itself stands within this many bytes; a mere mention of the words is followed by none.
_PEM_WINDOW = 500
_PEM_BODY = re.compile(rb"[A-Za-z0-9+/]{40}")
# RFC 7518 §6.2.2, §6.3.2, §6.4: the members that only a private or a symmetric key has.
_JWK = re.compile(rb"""["'](?:d|k)["']\s*:\s*["'][A-Za-z0-9_-]{42,}={0,2}["']""")
_KTY = re.compile(rb"""["']kty["']\s*:\s*["'](?:RSA|EC|OKP|oct)["']""")
_JWK_WINDOW = 4096
# The form of app/auth/api_key_format.py; the last six characters are a checksum.
_API_KEY = re.compile(rb"\bgate_[a-z]+_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = 6
_JWT = re.compile(rb"\b(eyJ[A-Za-z0-9_-]{10,2000})\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{40,}")

Found = tuple[int, str, str]  # where it begins, the rule, more words


def find_keys(content: bytes) -> Iterator[Found]:
    """Yield every private key and every own token in a file."""
    if b"PRIVATE KEY" in content:
        for match in _PEM.finditer(content):
            body = content[match.end() : match.end() + _PEM_WINDOW].partition(b"-----")[0]
            if _PEM_BODY.search(body):
                yield match.start(), "private-key", "PEM"
    if b"kty" in content:
        for match in _JWK.finditer(content):
            if _in_jwk(content, match.start(), match.end()):
                yield match.start(), "private-key", "JWK"
    if b"gate_" in content:
        for match in _API_KEY.finditer(content):
            if has_checksum(match[0]):
                yield match.start(), "api-key", ""
    if b"eyJ" in content:
        for match in _JWT.finditer(content):
            if _is_access_token(match[1]):
                yield match.start(), "access-token", ""


def has_checksum(key: bytes) -> bool:
    """Tell whether the last characters of an API key are the CRC-32 of the others in base 62."""
    number, wanted = zlib.crc32(key[:-_CHECKSUM]), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        wanted = _ALPHABET[digit] + wanted
    return key[-_CHECKSUM:] == wanted.encode()


def _in_jwk(content: bytes, start: int, end: int) -> bool:
    """Tell whether the object around a member says what kind of key it is."""
    before = content[max(0, start - _JWK_WINDOW) : start].rpartition(b"{")[2]
    after = content[end : end + _JWK_WINDOW].partition(b"}")[0]
    return bool(_KTY.search(before) or _KTY.search(after))


def _is_access_token(header: bytes) -> bool:
    """Tell whether the header of a JWT is that of an access token (RFC 9068 §2.1)."""
    import json

    try:
        parsed = json.loads(base64.urlsafe_b64decode(header + b"=" * (-len(header) % 4)))
    except ValueError:
        return False
    return isinstance(parsed, dict) and str(parsed.get("typ")).lower() == "at+jwt"
