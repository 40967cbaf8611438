# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Which secrets are too weak to start with."""

from functools import cache
from hashlib import sha256
from pathlib import Path

# 32 characters of token_urlsafe or hex are at least 128 bits; RFC 7518 §3.2 wants the hash's size
# from HMAC keys, which are derived from it (ASVS 5.0 11.2.3: at least 128 bits).
MIN_LENGTH = 32
# 32 random hex digits have fewer than 10 distinct ones once in 10,000 times, a typed "aaaa…" or
# "1234…" always.
MIN_DISTINCT = 10

_KNOWN = Path(__file__).with_name("known_weak_secrets.txt")
_DIGEST_DIGITS = 16


def weakness(secret: str) -> str | None:
    """Return why a secret is too weak, as the end of a sentence, or None."""
    if len(secret) < MIN_LENGTH:
        return f"is shorter than {MIN_LENGTH} characters"
    if len(set(secret)) < MIN_DISTINCT:
        return f"has fewer than {MIN_DISTINCT} distinct characters"
    if sha256(secret.encode()).hexdigest()[:_DIGEST_DIGITS] in _known_digests():
        return "is a published example"
    return None


@cache
def _known_digests() -> frozenset[str]:
    lines = _KNOWN.read_text(encoding="ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
