# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""An ID token is believed when every check of OpenID Connect Core 3.1.3.7 holds, and else not."""

import asyncio
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any, cast

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.oauth import Logins, connect, make_stand_ins, person, provider_settings
from tests.auth.support.oauth_browser import Person
from tests.auth.support.openid_provider import Claims, OpenIDProvider
from tests.auth.support.plugin import FreshService

PROVIDER_ERROR = (502, "provider_error")
UNAVAILABLE = (503, "temporarily_unavailable")
GONE = object()


@pytest.fixture
def provider(logins: Logins) -> OpenIDProvider:
    """One of the OpenID providers of this service."""
    found = next(each for each in logins.stand_ins.values() if each.name != "github")
    return cast(OpenIDProvider, found)


async def refused(logins: Logins, provider: OpenIDProvider, who: Person | None = None) -> Any:
    """Log in, see that nobody was let in, and return the problem."""
    who, browser = who or person(), logins.browser()
    response = await browser.log_in(provider, who)
    assert response.status_code != 303, "somebody was let in"
    assert "__Host-refresh" not in browser.cookies
    rows = await logins.service.sql(
        "SELECT id FROM account_identity WHERE subject = :s", s=who.subject
    )
    assert rows == []
    return problem(response)


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def changed(**changes: Any) -> Callable[[Claims], Claims]:
    """Return what changes claims, or takes them away."""
    return lambda claims: {k: v for k, v in (claims | changes).items() if v is not GONE}


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another-flow"},
        {"nonce": GONE},
        {"nonce": ""},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": GONE},
        {"aud": []},
        {"iss": "https://evil.example"},
        {"iss": "https://id.example.com"},
        {"iss": GONE},
        {"azp": "another-client"},
        {"exp": GONE},
        {"exp": "9999999999"},
        {"exp": 1},
        {"iat": GONE},
        {"iat": 9_999_999_999, "exp": 9_999_999_999},
        {"sub": GONE},
        {"sub": ""},
        {"sub": 42},
        {"sub": "x" * 256},
        {"sub": "a\nb"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
async def test_an_id_token_with_one_wrong_claim_opens_nothing(
    logins: Logins, provider: OpenIDProvider, changes: Claims
) -> None:
    provider.claims = changed(**changes)
    assert await refused(logins, provider) == PROVIDER_ERROR


async def test_a_second_audience_is_refused_although_this_one_is_named(
    logins: Logins, provider: OpenIDProvider
) -> None:
    audience = [provider.client_id, "another-client"]
    provider.claims = changed(aud=audience, azp=provider.client_id)
    assert await refused(logins, provider) == PROVIDER_ERROR
    provider.claims = changed(aud=[provider.client_id])
    assert (await logins.browser().log_in(provider, person())).status_code == 303


async def test_an_id_token_that_was_made_earlier_is_refused(
    logins: Logins, provider: OpenIDProvider
) -> None:
    provider.claims = lambda claims: {**claims, "iat": claims["iat"] - 601}
    assert await refused(logins, provider) == PROVIDER_ERROR
    provider.claims = lambda claims: {**claims, "exp": claims["iat"] - 31}
    assert await refused(logins, provider) == PROVIDER_ERROR


def unsigned(provider: OpenIDProvider, claims: Claims) -> str:
    """Return a token that says it needs no signature."""
    _, payload, _ = provider.sign_well(claims).split(".")
    header = encoded(json.dumps({"alg": "none", "kid": provider.keys[0].kid}).encode())
    return f"{header}.{payload}."


def signed_with_other_key(provider: OpenIDProvider, claims: Claims) -> str:
    """Return a token of a key that nobody published, under the name of one that was."""
    header = {"alg": "ES256", "kid": provider.keys[0].kid or ""}
    return jwt.encode(header, claims, provider.new_key())


def signed_with_public_key(provider: OpenIDProvider, claims: Claims) -> str:
    """Return a token whose secret is the public key; by hand, since the library refuses it."""
    _, payload, _ = provider.sign_well(claims).split(".")
    header = encoded(json.dumps({"alg": "HS256", "kid": provider.keys[0].kid}).encode())
    secret, signed = provider.keys[0].as_pem(private=False), f"{header}.{payload}".encode()
    return f"{header}.{payload}.{encoded(hmac.digest(secret, signed, 'sha256'))}"


def signed_with_client_secret(provider: OpenIDProvider, claims: Claims) -> str:
    """Return a token that every holder of the client's secret could have made."""
    header = {"alg": "HS256", "kid": provider.keys[0].kid or ""}
    secret = OctKey.import_key(provider.client_secret)
    return jwt.encode(header, claims, secret, algorithms=["HS256"])


def with_key_inside(provider: OpenIDProvider, claims: Claims) -> str:
    """Return a token that brings its own key."""
    key = provider.new_key()
    jwk = key.as_dict(private=False)
    header: dict[str, Any] = {"alg": "ES256", "kid": provider.keys[0].kid, "jwk": jwk}
    return jwt.encode(header, claims, key)


def with_other_payload(provider: OpenIDProvider, claims: Claims) -> str:
    """Return a token whose payload was replaced."""
    header, _, signature = provider.sign_well(claims).split(".")
    _, other, _ = provider.sign_well({**claims, "sub": "1"}).split(".")
    return f"{header}.{other}.{signature}"


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_with_other_key,
        signed_with_public_key,
        signed_with_client_secret,
        with_key_inside,
        with_other_payload,
        lambda *_: "",
        lambda *_: "a.b.c",
        lambda provider, claims: provider.sign_well(claims) + ".x.y",
    ],
)
async def test_an_id_token_is_signed_by_the_provider_or_worth_nothing(
    logins: Logins,
    provider: OpenIDProvider,
    forge: Callable[[OpenIDProvider, Claims], str],
) -> None:
    provider.sign = lambda claims: forge(provider, claims)
    assert await refused(logins, provider) == PROVIDER_ERROR


async def test_a_set_of_keys_with_a_shared_secret_in_it_lets_nobody_sign(
    logins: Logins, provider: OpenIDProvider
) -> None:
    secret = OctKey.generate_key(256, {"kid": "shared"})
    document = {"keys": [secret.as_dict(private=True), {"kty": "RSA"}, 7, "x"]}
    logins.network.answers["/jwks"] = httpx2.Response(200, json=document)
    provider.sign = lambda claims: jwt.encode(
        {"alg": "HS256", "kid": "shared"}, claims, secret, algorithms=["HS256"]
    )
    assert await refused(logins, provider) == PROVIDER_ERROR


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None])
async def test_an_answer_that_names_another_issuer_is_a_mix_up(
    logins: Logins, provider: OpenIDProvider, issuer: str | None
) -> None:
    provider.issuer_parameter = issuer
    assert await refused(logins, provider) == INVALID_GRANT
    # Its code was not shown to anybody.
    assert not [path for path in logins.network.asked if path.endswith("/token")]


async def test_a_provider_that_never_names_itself_may_stay_silent(
    logins: Logins, provider: OpenIDProvider
) -> None:
    provider.document = {"authorization_response_iss_parameter_supported": False}
    provider.issuer_parameter = None
    assert (await logins.browser().log_in(provider, person())).status_code == 303


async def test_a_new_key_of_the_provider_is_found_at_once(
    logins: Logins, provider: OpenIDProvider
) -> None:
    await logins.browser().log_in(provider, person())
    logins.service.clock.advance(seconds=30)
    provider.keys = [provider.new_key()]
    assert (await logins.browser().log_in(provider, person())).status_code == 303


async def test_unknown_keys_make_us_ask_once_in_thirty_seconds(
    logins: Logins, provider: OpenIDProvider
) -> None:
    await logins.browser().log_in(provider, person())
    logins.service.clock.advance(seconds=30)
    logins.network.asked.clear()
    provider.sign = lambda claims: jwt.encode(
        {"alg": "ES256", "kid": "unknown"}, claims, provider.new_key()
    )
    await asyncio.gather(*(refused(logins, provider) for _ in range(5)))
    logins.service.clock.advance(seconds=29)
    await refused(logins, provider)
    asked = [path for path in logins.network.asked if path.endswith("/jwks")]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://id.example.com/token"},
        {"jwks_uri": "ftp://id.example.com/jwks"},
        {"authorization_endpoint": None},
        {"jwks_uri": 7},
    ],
    ids=str,
)
async def test_a_provider_is_asked_nothing_when_its_document_is_not_right(
    logins: Logins, provider: OpenIDProvider, document: Claims
) -> None:
    provider.document = document
    response = await logins.browser().try_to_leave(provider.name)
    assert problem(response) == PROVIDER_ERROR
    assert "location" not in response.headers


async def test_an_address_may_come_from_userinfo_when_it_is_about_the_same_person(
    logins: Logins, provider: OpenIDProvider
) -> None:
    provider.email_in_userinfo = True
    who, browser = person(), logins.browser()
    await browser.log_in(provider, who)
    account = await browser.client.get("/auth/me", headers=(await browser.tokens()).bearer)
    assert account.json()["email"] == who.email
    provider.userinfo = {"sub": "somebody-else"}
    assert await refused(logins, provider) == PROVIDER_ERROR


@pytest.mark.parametrize("verified", ["true", 1, None, "yes"])
async def test_verified_means_true_and_nothing_like_it(
    logins: Logins, provider: OpenIDProvider, verified: object
) -> None:
    victim = await logins.service.account()
    provider.claims = changed(email=victim.email, email_verified=verified)
    browser = logins.browser()
    assert (await browser.log_in(provider, person())).status_code == 303
    account = await browser.client.get("/auth/me", headers=(await browser.tokens()).bearer)
    assert account.json()["email"] is None


async def test_in_production_nothing_is_asked_over_http(fresh_service: FreshService) -> None:
    stand_ins = {n: s for n, s in make_stand_ins().items() if n != "github"}
    service = await fresh_service(**provider_settings(stand_ins))
    logins = connect(service, stand_ins)
    provider = cast(OpenIDProvider, logins.first)
    provider.document = {"token_endpoint": "http://localhost:9/token"}
    # On this machine it may be, while one develops.
    assert (await logins.browser().try_to_leave(provider.name)).status_code == 303
    registered: Any = service.app.state.oauth.providers[provider.name]
    registered.production = True
    service.clock.advance(minutes=61)
    assert problem(await logins.browser().try_to_leave(provider.name)) == PROVIDER_ERROR
