# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Other services can check our tokens, and learn nothing that would let them make one."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.auth.wiring import signing_algorithm
from tests.auth.support.credentials import Tokens
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

PATH = "/.well-known/jwks.json"


async def published(service: Service) -> list[dict[str, str]]:
    """Return the keys that anybody can read."""
    response = await service.client.get(PATH)
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"keys"}
    keys: list[dict[str, str]] = body["keys"]
    return keys


async def test_a_token_can_be_checked_with_the_published_key_alone(
    service: Service, tokens: Tokens
) -> None:
    keys = {key["kid"]: key for key in await published(service)}
    claims = jwt.decode(
        tokens.access_token,
        jwt.PyJWK(keys[tokens.header["kid"]]).key,
        algorithms=["RS256"],
        audience=service.settings.audience,
        issuer=service.settings.issuer,
        options={"verify_iat": False, "verify_exp": False},  # by our clock, not the machine's
    )
    assert claims["sub"] == tokens.claims["sub"]


async def test_only_public_members_are_published(service: Service) -> None:
    for key in await published(service):
        assert key.keys() == {"kid", "kty", "alg", "use", "n", "e"}
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")


async def test_the_next_key_is_published_before_it_signs(service: Service, tokens: Tokens) -> None:
    kids = {key["kid"] for key in await published(service)}
    assert len(kids) == 2
    assert tokens.header["kid"] in kids


async def test_a_retired_key_leaves_when_it_verifies_nothing_any_more(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    kids = {key["kid"] for key in await published(service)}
    service.clock.advance(days=90, seconds=900 + 30 - 1)
    assert {key["kid"] for key in await published(service)} == kids
    service.clock.advance(seconds=1)
    assert len(await published(service)) == 1


async def test_a_revoked_key_leaves_at_once(fresh_service: FreshService) -> None:
    service = await fresh_service()
    kid = service.auth.keyring.signer().kid
    await service.auth.key_store.revoke(kid, service.clock.now())
    await service.auth.keyring.reload()
    assert kid not in {key["kid"] for key in await published(service)}


async def test_a_key_of_another_algorithm_is_not_published(fresh_service: FreshService) -> None:
    service = await fresh_service()
    await service.sql("UPDATE signing_key SET alg = 'HS256', public_jwk = NULL")
    restarted = await fresh_service(database_url=service.settings.database_url)
    assert {key["kty"] for key in await published(restarted)} == {"RSA"}


async def test_caches_may_keep_it_for_five_minutes_and_ask_whether_it_changed(
    service: Service,
) -> None:
    first = await service.client.get(PATH)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["content-type"] == "application/json"
    again = await service.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await service.client.get(PATH, headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


def test_a_private_key_of_another_kind_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(TypeError, match="RSA"):
        signing_algorithm.load(private)
