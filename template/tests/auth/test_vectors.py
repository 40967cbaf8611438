# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Project Wycheproof's vectors get from our signature check the verdicts that they come with.

Their payloads are not claims ("foo"), so they run at the layer of the signature. Sources and
licence: vectors/SOURCES.md.
"""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from app.auth.security import TokenRejected, verify_signature
from app.auth.signing import SigningMaterial, TokenKey
from app.auth.wiring import signing_algorithm
from tests.auth.support.forging import decode_segment
from tests.auth.support.settings import ALGORITHM

CONTENT = json.loads((Path(__file__).parent / "vectors" / "wycheproof.json").read_text("utf-8"))
VECTORS: list[dict[str, Any]] = CONTENT["vectors"]

# Two equal a valid one and are marked invalid, two hold a "?" and are marked valid: see SOURCES.md.
WRONG = {"jws-367": True, "jws-370": True, "jws-372": False, "jws-373": False}

# Keys with a weakness of another maker's generator: none of our keys comes from outside, so that
# nothing here looks for it (ROCA, CVE-2017-15361).
ROCA = {"crypto-46", "key-7"}

MIN_BYTES = {"RSA": 256, "oct": 32}  # RFC 7518 sections 3.2 and 3.3


@cache
def own_key() -> TokenKey:
    """Return a key as this service makes them: whatever is not its algorithm meets this one."""
    return TokenKey("ours", ALGORITHM, signing_algorithm.load(signing_algorithm.generate()))


def possible_key(keys: list[dict[str, str]]) -> dict[str, str] | None:
    """Return the key of a set that could be one of ours, if all of the set could be."""
    kids = {key.get("kid", "") for key in keys}
    ours = [key for key in keys if key.get("alg") == ALGORITHM and key.get("use", "sig") == "sig"]
    if len(kids) < len(keys) or len(ours) < len(keys):
        return None  # a kid that means two keys, or keys of several algorithms: we have neither
    secret = decode_segment(keys[0].get("n") or keys[0].get("k", ""))
    weak = len(secret) < MIN_BYTES[keys[0]["kty"]] or keys[0].get("e") == "AQ"
    return None if weak or "encrypt" in keys[0].get("key_ops", ()) else keys[0]


def key_for(vector: dict[str, Any]) -> TokenKey:
    """Return the key of a vector, or one of ours where the service could never hold that one."""
    jwk = possible_key(CONTENT["keys"][vector["keys"]])
    if jwk is None or not ROCA.isdisjoint(vector["ids"]):
        return own_key()
    if jwk["kty"] == "oct":
        return TokenKey("", ALGORITHM, SigningMaterial(None, decode_segment(jwk["k"])))
    return TokenKey("", ALGORITHM, SigningMaterial(None, RSAAlgorithm.from_jwk(json.dumps(jwk))))


def expected(vector: dict[str, Any]) -> bool:
    """Return the verdict that a vector must get here."""
    of_ours = possible_key(CONTENT["keys"][vector["keys"]]) is not None
    return of_ours and bool(WRONG.get(vector["ids"][0], vector["valid"]))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["ids"][0])
def test_a_vector_gets_its_verdict(vector: dict[str, Any]) -> None:
    # The JSON serialisation (RFC 7515 section 7.2) is no token here, whatever it holds.
    token = vector["jws"] if isinstance(vector["jws"], str) else json.dumps(vector["jws"])
    try:
        verify_signature(token, key_for(vector))
    except TokenRejected:
        accepted = False
    else:
        accepted = True
    assert accepted == expected(vector), vector["comment"]


def test_enough_vectors_are_accepted_for_the_refusals_to_mean_something() -> None:
    accepted = [name for vector in VECTORS if expected(vector) for name in vector["ids"]]
    assert len(accepted) == {"RS256": 10, "HS256": 14}[ALGORITHM]


def test_no_vector_is_missing() -> None:
    ids = [name for vector in VECTORS for name in vector["ids"]]
    assert Counter(name.partition("-")[0] for name in ids) == {"jws": 275, "crypto": 49, "key": 26}
    assert len(set(ids)) == len(ids)
    valid = [v for v in VECTORS if v["valid"] and v["ids"][0].startswith("jws")]
    assert sum(len([n for n in v["ids"] if n.startswith("jws")]) for v in valid) == 18


def test_the_wrong_vectors_are_what_sources_md_says_of_them() -> None:
    by_id = {name: vector for vector in VECTORS for name in vector["ids"]}
    for name in ("jws-367", "jws-370"):
        assert by_id[name]["jws"] == by_id["jws-357"]["jws"]
        assert (by_id[name]["valid"], by_id["jws-357"]["valid"]) == (False, True)
    for name in ("jws-372", "jws-373"):
        assert "?" in by_id[name]["jws"]
        assert by_id[name]["valid"]
