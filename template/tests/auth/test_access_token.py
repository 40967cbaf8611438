# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""An access token is accepted exactly when it is one of ours: RFC 9068 section 4, RFC 8725bis."""

import json
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.auth.support.answers import (
    INVALID_REQUEST,
    INVALID_TOKEN,
    UNAUTHENTICATED,
    challenge,
    problem,
)
from tests.auth.support.credentials import Tokens, User, bearer
from tests.auth.support.forging import decode_segment, encode_segment, sign
from tests.auth.support.service import Service
from tests.auth.support.settings import ALGORITHM, ORIGIN

MISSING = object()
# None of these is a text or an integer.
OTHER_TYPES: tuple[object, ...] = (None, 1.5, True, [], {})
CLAIMS = {
    "iss", "sub", "aud", "client_id", "iat", "exp", "jti", "sid", "ver", "auth_time", "scope",
}  # fmt: skip


async def present(service: Service, token: str) -> httpx2.Response:
    """Present a token where any valid one is enough."""
    return await service.client.get("/auth/me", headers=bearer(token))


def forge(service: Service, tokens: Tokens, **changes: object) -> str:
    """Return a token with other claims, signed with the service's own key."""
    claims = {
        name: value for name, value in (tokens.claims | changes).items() if value is not MISSING
    }
    return sign(tokens.header, claims, service.auth.keyring.signer())


def forge_header(service: Service, tokens: Tokens, **changes: object) -> str:
    """Return a token with another header, signed with the service's own key."""
    header = {
        name: value for name, value in (tokens.header | changes).items() if value is not MISSING
    }
    return sign(header, tokens.claims, service.auth.keyring.signer())


async def test_a_token_says_what_rfc_9068_asks_for_and_nothing_personal(
    service: Service, account: User, tokens: Tokens
) -> None:
    now = int(service.clock.now().timestamp())
    header, claims = tokens.header, tokens.claims
    assert header == {"typ": "at+jwt", "alg": ALGORITHM, "kid": header["kid"]}
    assert claims.keys() == CLAIMS
    assert claims["iss"] == ORIGIN
    assert claims["sub"] == str(account.id)
    assert claims["aud"] == service.settings.audience
    assert claims["client_id"] == service.settings.client_id
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (now, now + 900, now)
    assert claims["scope"] == "items:read items:write"
    assert claims["ver"] == 0
    assert UUID(claims["sid"]) != account.id
    assert account.email not in json.dumps([header, claims])


async def test_two_tokens_never_share_an_id(service: Service, account: User) -> None:
    first, second = await service.login(account), await service.login(account)
    assert first.claims["jti"] != second.claims["jti"]


async def test_a_token_that_was_only_signed_again_is_accepted(
    service: Service, tokens: Tokens
) -> None:
    # The control of this file: a forged token fails for its fault, not for being forged.
    assert (await present(service, forge(service, tokens))).status_code == 200


async def test_no_credentials_are_answered_by_a_challenge_without_an_error(
    service: Service,
) -> None:
    response = await service.client.get("/auth/me")
    assert problem(response) == UNAUTHENTICATED
    assert challenge(response) == 'Bearer realm="api"'


async def test_every_bad_token_gets_one_and_the_same_answer(
    service: Service, tokens: Tokens
) -> None:
    service.clock.advance(seconds=1)
    bad = [
        "x",
        tokens.access_token[:-4],
        forge(service, tokens, exp=MISSING),
        forge(service, tokens, exp=int(service.clock.now().timestamp()) - 31),
        forge(service, tokens, aud="another-api"),
        forge_header(service, tokens, kid="unknown"),
    ]
    answers = [await present(service, token) for token in bad]
    assert {problem(answer) for answer in answers} == {INVALID_TOKEN}
    assert {challenge(answer) for answer in answers} == {
        'Bearer realm="api", error="invalid_token"'
    }
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("name", sorted(CLAIMS))
async def test_a_token_without_one_of_its_claims_is_refused(
    service: Service, tokens: Tokens, name: str
) -> None:
    token = forge(service, tokens, **{name: MISSING})
    assert problem(await present(service, token)) == INVALID_TOKEN


@pytest.mark.parametrize("name", sorted(CLAIMS))
async def test_a_claim_of_another_type_is_refused(
    service: Service, tokens: Tokens, name: str
) -> None:
    for value in OTHER_TYPES:
        token = forge(service, tokens, **{name: value})
        assert problem(await present(service, token)) == INVALID_TOKEN, value


async def test_a_number_that_is_no_plain_integer_is_refused(
    service: Service, tokens: Tokens
) -> None:
    for name in ("exp", "iat", "auth_time", "ver"):
        right = tokens.claims[name]
        for value in (str(right), float(right), right + 0.5, -1, 10.0**30):
            token = forge(service, tokens, **{name: value})
            assert problem(await present(service, token)) == INVALID_TOKEN, (name, value)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://another.example"},
        {"iss": f"{ORIGIN}/"},
        {"iss": ""},
        {"aud": "another-api"},
        {"aud": ["api"]},
        {"aud": ""},
        {"sub": ""},
        {"sub": "svc:robot"},
        {"sub": "not-a-uuid"},
        {"sid": "not-a-uuid"},
        {"jti": ""},
        {"client_id": ""},
        {"scope": ["items:read"]},
    ],
    ids=repr,
)
async def test_a_claim_with_another_value_than_ours_is_refused(
    service: Service, tokens: Tokens, changes: dict[str, Any]
) -> None:
    assert problem(await present(service, forge(service, tokens, **changes))) == INVALID_TOKEN


async def test_a_token_lives_for_fifteen_minutes_and_thirty_seconds_of_leeway(
    service: Service, tokens: Tokens
) -> None:
    service.clock.advance(seconds=900 + 29)
    assert (await present(service, tokens.access_token)).status_code == 200
    service.clock.advance(seconds=1)
    assert problem(await present(service, tokens.access_token)) == INVALID_TOKEN


async def test_a_token_from_the_future_is_refused_beyond_the_leeway(
    service: Service, tokens: Tokens
) -> None:
    now = int(service.clock.now().timestamp())
    near = forge(service, tokens, iat=now + 30, exp=now + 600)
    far = forge(service, tokens, iat=now + 31, exp=now + 600)
    assert (await present(service, near)).status_code == 200
    assert problem(await present(service, far)) == INVALID_TOKEN


async def test_a_token_that_would_live_longer_than_ours_is_refused(
    service: Service, tokens: Tokens
) -> None:
    now = int(service.clock.now().timestamp())
    for iat, exp in ((now, now + 901), (now - 1, now + 900), (now, now), (now + 10, now + 5)):
        token = forge(service, tokens, iat=iat, exp=exp)
        assert problem(await present(service, token)) == INVALID_TOKEN, (iat, exp)


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": MISSING},
        {"typ": "JWT"},
        {"typ": "AT+JWT"},
        {"typ": "application/at+jwt"},
        {"typ": None},
        {"alg": MISSING},
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS512"},
        {"alg": "RS512"},
        {"alg": "PS256"},
        {"alg": None},
        {"alg": ["RS256", "HS256"]},
        {"kid": MISSING},
        {"kid": ""},
        {"kid": None},
        {"kid": 1},
        {"kid": ["a"]},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"jku": "https://attacker.example/jwks.json"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"x5u": "https://attacker.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
        {"b64": False},
    ],
    ids=lambda changes: repr(changes).replace(repr(MISSING), "missing"),
)
async def test_a_token_with_another_header_than_ours_is_refused(
    service: Service, tokens: Tokens, changes: dict[str, Any]
) -> None:
    token = forge_header(service, tokens, **changes)
    assert problem(await present(service, token)) == INVALID_TOKEN


@pytest.mark.parametrize("alg", ["none", "NONE", "nOnE", ""])
async def test_an_unsigned_token_is_refused(service: Service, tokens: Tokens, alg: str) -> None:
    header = encode_segment(json.dumps(tokens.header | {"alg": alg}).encode())
    payload = tokens.access_token.split(".")[1]
    for signature in ("", ".", f".{tokens.access_token.split('.')[2]}"):
        token = f"{header}.{payload}{signature}"
        assert problem(await present(service, token)) == INVALID_TOKEN


async def test_a_header_or_payload_that_names_something_twice_is_refused(
    service: Service, tokens: Tokens
) -> None:
    key = service.auth.keyring.signer()
    header, claims = json.dumps(tokens.header), json.dumps(tokens.claims)
    twice_in_header = f'{{"alg": "none", {header[1:]}'.encode()
    twice_in_claims = f'{{"sub": "{uuid4()}", {claims[1:]}'.encode()
    for token in (
        sign(twice_in_header, tokens.claims, key),
        sign(tokens.header, twice_in_claims, key),
    ):
        assert problem(await present(service, token)) == INVALID_TOKEN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b"{}",
        b"\xff\xfe{\x00}\x00",
        b'{"exp": NaN}',
        b'{"scope": "\xed\xa0\x80"}',
        b"[" * 2000,
    ],
    ids=repr,
)
async def test_a_header_or_payload_that_is_no_json_object_is_refused(
    service: Service, tokens: Tokens, content: bytes
) -> None:
    key = service.auth.keyring.signer()
    for token in (sign(content, tokens.claims, key), sign(tokens.header, content, key)):
        assert problem(await present(service, token)) == INVALID_TOKEN


async def test_the_header_is_utf_8_and_no_other_encoding(service: Service, tokens: Tokens) -> None:
    for encoding in ("utf-16", "utf-32"):
        header = json.dumps(tokens.header).encode(encoding)
        token = sign(header, tokens.claims, service.auth.keyring.signer())
        assert problem(await present(service, token)) == INVALID_TOKEN


async def test_only_the_compact_form_without_padding_is_a_token(
    service: Service, tokens: Tokens
) -> None:
    token = tokens.access_token
    header, payload, signature = token.split(".")
    for malformed in (
        f"{token}=",
        f"{token}==",
        f"{header}=.{payload}.{signature}",
        f"{token}.",
        f".{token}",
        f"{header}.{payload}",
        f"{header}..{signature}",
        f"{token}.{payload}.{signature}",
        token.replace(".", "!", 1),
        f"{header}.{payload}.{signature}%00",
    ):
        assert problem(await present(service, malformed)) == INVALID_TOKEN, malformed


async def test_one_changed_bit_anywhere_is_refused(service: Service, tokens: Tokens) -> None:
    segments = tokens.access_token.split(".")
    for index in range(3):
        content = bytearray(decode_segment(segments[index]))
        content[len(content) // 2] ^= 1
        changed = [*segments]
        changed[index] = encode_segment(bytes(content))
        assert problem(await present(service, ".".join(changed))) == INVALID_TOKEN


async def test_a_token_of_more_than_8_kib_is_refused_however_it_is_signed(
    service: Service, tokens: Tokens
) -> None:
    assert (await present(service, forge(service, tokens, scope="a" * 4000))).status_code == 200
    token = forge(service, tokens, scope="a" * 8192)
    assert problem(await present(service, token)) == INVALID_TOKEN


async def test_the_deny_list_is_not_asked_before_the_signature_holds(
    service: Service, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def is_denied(claims: object) -> bool:
        asked.append(claims)
        return False

    monkeypatch.setattr(service.auth.stores.revocation, "is_denied", is_denied)
    header, payload, signature = tokens.access_token.split(".")
    forged = f"{header}.{payload}.{encode_segment(decode_segment(signature)[::-1])}"
    assert problem(await present(service, forged)) == INVALID_TOKEN
    assert asked == []
    await present(service, tokens.access_token)
    assert len(asked) == 1


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a b", "Bearer  ", "bearer"])
async def test_malformed_credentials_are_a_bad_request(service: Service, header: str) -> None:
    response = await service.client.get("/auth/me", headers={"Authorization": header})
    assert problem(response) == INVALID_REQUEST


async def test_doubled_credentials_are_a_bad_request(service: Service, tokens: Tokens) -> None:
    twice = [("Authorization", f"Bearer {tokens.access_token}")] * 2
    assert problem(await service.client.get("/auth/me", headers=twice)) == INVALID_REQUEST


async def test_the_scheme_is_read_in_any_case(service: Service, tokens: Tokens) -> None:
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {tokens.access_token}"}
        assert (await service.client.get("/auth/me", headers=headers)).status_code == 200


async def test_a_token_anywhere_but_in_the_header_is_no_credential(
    service: Service, tokens: Tokens
) -> None:
    in_query = await service.client.get(f"/auth/me?access_token={tokens.access_token}")
    cookie = {
        "Cookie": f"access_token={tokens.access_token}; __Host-refresh={tokens.refresh_token}"
    }
    in_cookie = await service.client.get("/auth/me", headers=cookie)
    assert problem(in_query) == problem(in_cookie) == UNAUTHENTICATED


async def test_an_account_that_is_gone_is_answered_like_a_bad_token(service: Service) -> None:
    user = await service.account()
    tokens = await service.login(user)
    await service.sql("DELETE FROM account WHERE email = :email", email=user.email)
    assert problem(await present(service, tokens.access_token)) == INVALID_TOKEN
