# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The known attacks on JWT verification fail: RFC 8725bis section 2, and what CVEs added since."""

import json
import socket
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.auth.signing import SigningMaterial, TokenKey
from app.auth.wiring import signing_algorithm
from tests.auth.support.answers import INVALID_REQUEST, INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, bearer
from tests.auth.support.forging import decode_segment, encode_segment, sign
from tests.auth.support.service import Service
from tests.auth.support.settings import ALGORITHM

HEADERS_TOO_LARGE = (431, "request_header_fields_too_large")


async def refused(service: Service, token: str) -> bool:
    """Present a token; tell whether it got the one answer of every bad token."""
    response = await service.client.get("/auth/sessions", headers=bearer(token))
    return problem(response) == INVALID_TOKEN


def foreign_key(kid: str) -> TokenKey:
    """Return a key of our kind that is not ours, under any kid."""
    return TokenKey(kid, ALGORITHM, signing_algorithm.load(signing_algorithm.generate()))


def signed_with_secret(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """Return a token with an HMAC under a secret that the attacker chose."""
    return sign(header, claims, TokenKey("", "HS256", SigningMaterial(secret, secret)))


@contextmanager
def silent_listener() -> Generator[str]:
    """Listen on loopback; afterwards, fail if anybody called."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def public_spellings(key: rsa.RSAPublicKey) -> list[bytes]:
    """Return a public key in every form in which a verifier may hold it as bytes."""
    forms = [
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.PEM, PublicFormat.PKCS1),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.PKCS1),
        (Encoding.OpenSSH, PublicFormat.OpenSSH),
    ]
    spelled = [key.public_bytes(*form) for form in forms]
    stripped = [each.strip() for each in spelled]
    modulus = key.public_numbers().n
    return [*spelled, *stripped, modulus.to_bytes(modulus.bit_length() // 8), str(key).encode()]


@pytest.mark.skipif(ALGORITHM != "RS256", reason="there is no public key here")
async def test_an_hmac_under_the_public_key_is_refused(service: Service, tokens: Tokens) -> None:
    # CVE-2015-9235 and its many children: the public key is known to everybody.
    public = service.auth.keyring.signer().material.verifying
    for secret in public_spellings(public):
        for alg in ("HS256", "RS256"):
            header = tokens.header | {"alg": alg}
            assert await refused(service, signed_with_secret(header, tokens.claims, secret))


@pytest.mark.parametrize("secret", [b"", b"secret", b"\0" * 32, b"null", b"None"], ids=repr)
async def test_an_hmac_under_a_guessed_secret_is_refused(
    service: Service, tokens: Tokens, secret: bytes
) -> None:
    kid = tokens.header["kid"].encode()
    for each in (secret, secret + kid, kid):
        header = tokens.header | {"alg": "HS256"}
        assert await refused(service, signed_with_secret(header, tokens.claims, each))


async def test_a_foreign_key_is_refused_under_our_kid_and_under_its_own(
    service: Service, tokens: Tokens
) -> None:
    for kid in (tokens.header["kid"], "theirs"):
        header = tokens.header | {"kid": kid}
        assert await refused(service, sign(header, tokens.claims, foreign_key(kid)))


async def test_our_own_key_under_another_algorithm_is_refused(
    service: Service, tokens: Tokens
) -> None:
    # Rightly signed, as RFC 8725bis section 3.1 has it: one key, one algorithm.
    key = service.auth.keyring.signer()
    families = {
        "RS256": ("RS384", "RS512", "PS256", "PS384", "PS512"),
        "HS256": ("HS384", "HS512"),
    }
    for alg in families[ALGORITHM]:
        with warnings.catch_warnings(action="ignore"):  # an HMAC key too short for it
            token = jwt.encode(
                tokens.claims, key.material.signing, alg, tokens.header | {"alg": alg}
            )
        assert await refused(service, token), alg
        mislabelled = sign(tokens.header | {"alg": alg}, tokens.claims, key)
        assert await refused(service, mislabelled), alg


async def test_a_key_or_an_address_inside_the_token_is_never_used(
    service: Service, tokens: Tokens
) -> None:
    key = foreign_key(tokens.header["kid"])
    jwk = signing_algorithm.public_jwk(key.material) or {
        "kty": "oct",
        "k": encode_segment(key.material.verifying),
    }
    with silent_listener() as address:
        for extra in (
            {"jwk": jwk},
            {"jwk": jwk | {"kid": tokens.header["kid"]}, "kid": tokens.header["kid"]},
            {"jku": f"{address}/jwks.json"},
            {"x5u": f"{address}/certificate.pem"},
            {"kid": f"{address}/jwks.json"},
            {"iss": address},
            {"x5c": [encode_segment(b"certificate")]},
            {"x5t": "AAAA", "x5t#S256": "AAAA"},
        ):
            token = sign(tokens.header | extra, tokens.claims, key)
            assert await refused(service, token), extra


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../../../dev/null",
        "/proc/self/environ",
        "file:///dev/null",
        "' UNION SELECT 'a",
        "x' OR '1'='1",
        "$(id)",
        "\0",
        "\ud800",
        "k" * 5000,
        "{kid}\0",
        " {kid}",
        "{kid} ",
        "{KID}",
    ],
    ids=ascii,
)
async def test_a_kid_is_looked_up_and_nothing_else(
    service: Service, tokens: Tokens, kid: str
) -> None:
    ours = tokens.header["kid"]
    kid = kid.replace("{kid}", ours).replace("{KID}", ours.swapcase())
    header = tokens.header | {"kid": kid}
    empty_key = signed_with_secret(header | {"alg": "HS256"}, tokens.claims, b"")
    ours_after_all = sign(header, tokens.claims, service.auth.keyring.signer())
    for token in (empty_key, ours_after_all):
        assert await refused(service, token)


@pytest.mark.parametrize("name", ["sub", "jti", "sid", "scope", "client_id", "iss", "aud"])
async def test_texts_that_no_store_takes_are_refused_before_any_store_sees_them(
    service: Service, tokens: Tokens, name: str
) -> None:
    # Signed with our own key, which an attacker cannot; a fault of ours must not become a 500.
    for value in ("\0", "\ud800", f"{tokens.claims[name]}\0", f"\udfff{tokens.claims[name]}", "\n"):
        claims = tokens.claims | {name: value}
        token = sign(tokens.header, claims, service.auth.keyring.signer())
        assert await refused(service, token), ascii(value)


@pytest.mark.parametrize("name", ["exp", "iat", "auth_time", "ver"])
async def test_numbers_of_any_size_are_refused_and_never_an_error(
    service: Service, tokens: Tokens, name: str
) -> None:
    sizes = ["9" * digits for digits in (11, 12, 19, 20, 40, 400, 4301, 6000)]
    for value in (*sizes, "1e9", "1e999", "-1", "0x7f", "01", "Infinity", "NaN"):
        payload = json.dumps(tokens.claims | {name: 0}).replace(
            f'"{name}": 0', f'"{name}": {value}'
        )
        token = sign(tokens.header, payload.encode(), service.auth.keyring.signer())
        assert await refused(service, token), value


async def test_a_payload_in_another_encoding_is_refused(service: Service, tokens: Tokens) -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037"):
        payload = json.dumps(tokens.claims).encode(encoding)
        token = sign(tokens.header, payload, service.auth.keyring.signer())
        assert await refused(service, token), encoding


async def test_deep_nesting_is_refused_and_never_an_error(service: Service, tokens: Tokens) -> None:
    key = service.auth.keyring.signer()
    for depth in (100, 990, 1010, 2000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = opening * depth + "1" * (opening != "[") + closing * depth
            claims = json.dumps(tokens.claims)[:-1] + f', "scope": {nested}}}'
            for token in (
                sign(nested.encode(), tokens.claims, key),
                sign(tokens.header, nested.encode(), key),
                sign(tokens.header, claims.encode(), key),
            ):
                assert await refused(service, token), (depth, opening)


async def test_a_token_of_a_megabyte_is_refused_without_being_read(
    service: Service, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(data: bytes) -> dict[str, Any]:
        raise AssertionError("parsed")

    header, payload, signature = tokens.access_token.split(".")
    monkeypatch.setattr("app.auth.security.parse_json_object", read)
    # The smaller size reaches the check of tokens; the larger meets the bound of all headers.
    for size, answers in ((2**14, {INVALID_TOKEN}), (2**20, {INVALID_TOKEN, HEADERS_TOO_LARGE})):
        filler = "A" * size
        for token in (
            f"{header}.{payload}{filler}.{signature}",
            f"{filler}.{payload}.{signature}",
            f"{header}.{payload}.{filler}",
            "." * size,
        ):
            response = await service.client.get("/auth/sessions", headers=bearer(token))
            assert problem(response) in answers


async def test_a_signature_is_for_its_own_header_and_payload_only(
    service: Service, tokens: Tokens
) -> None:
    other = await service.login(await service.account())
    mine, theirs = tokens.access_token.split("."), other.access_token.split(".")
    for parts in (
        (mine[0], mine[1], theirs[2]),
        (mine[0], theirs[1], mine[2]),
        (mine[0], mine[1], "AA"),
        (mine[0], mine[1], encode_segment(b"\0" * len(decode_segment(mine[2])))),
        (mine[0], mine[1], encode_segment(decode_segment(mine[2]) + b"\0")),
        (mine[0], mine[1], encode_segment(decode_segment(mine[2])[:-1])),
    ):
        assert await refused(service, ".".join(parts))


async def test_bytes_that_only_look_like_letters_are_no_token(
    service: Service, tokens: Tokens
) -> None:
    for disguised in (
        tokens.access_token.replace(".", "\uff0e".encode().decode("latin-1")),
        tokens.access_token + "\u00a0",
        tokens.access_token + "\x0c",
        "\u00ff" + tokens.access_token,
    ):
        value = f"Bearer {disguised}".encode("latin-1")
        response = await service.client.get("/auth/sessions", headers={b"Authorization": value})
        assert problem(response) in {INVALID_TOKEN, INVALID_REQUEST}


async def test_the_real_token_is_accepted(service: Service, tokens: Tokens) -> None:
    # The control of this file: what is refused above is refused for its fault.
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    assert response.status_code == 200
