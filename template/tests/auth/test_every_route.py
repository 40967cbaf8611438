# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every route, with no credential, with each wrong one, and with another user's (ASVS 8.2.1).

The routes come from the app itself, so that a new one is tested here from its first day.
"""

import secrets
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import httpx2
import pytest

from app.auth import administration
from app.auth.identity_models import AccountIdentity
from app.auth.wiring import signing_algorithm
from tests.auth.support.answers import (
    INVALID_REQUEST,
    INVALID_TOKEN,
    UNAUTHENTICATED,
    challenge,
    problem,
)
from tests.auth.support.credentials import Tokens, bearer
from tests.auth.support.forging import encode_segment, sign
from tests.auth.support.plugin import FreshService
from tests.auth.support.routes import Operation, operations
from tests.auth.support.service import Service
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS

CHALLENGE = 'Bearer realm="api"'

Forge = Callable[[Service, Tokens], str]


def with_claims(**changes: object) -> Forge:
    """Return what makes a token of ours that says something else, signed with our own key."""

    def forge(service: Service, tokens: Tokens) -> str:
        return sign(tokens.header, tokens.claims | changes, service.auth.keyring.signer())

    return forge


def with_header(**changes: object) -> Forge:
    """Return what makes a token with another header, signed with our own key."""

    def forge(service: Service, tokens: Tokens) -> str:
        return sign(tokens.header | changes, tokens.claims, service.auth.keyring.signer())

    return forge


def of_another_service(service: Service, tokens: Tokens) -> str:
    """Return a token as another environment would sign it, under the id of our key."""
    ours = service.auth.keyring.signer()
    theirs = signing_algorithm.load(signing_algorithm.generate())
    return sign(tokens.header, tokens.claims, type(ours)(**{**vars(ours), "material": theirs}))


def tampered(service: Service, tokens: Tokens) -> str:
    """Return a token that claims another scope under the old signature."""
    head, _, signature = tokens.access_token.split(".")
    return f"{head}.{encode_segment(b'{}')}.{signature}"


WRONG: dict[str, Forge] = {
    "expired": with_claims(iat=1_000_000_000, exp=1_000_000_900),
    "for another audience": with_claims(aud="another-api"),
    "by another issuer": with_claims(iss="https://staging.example.com"),
    "of no type of ours": with_header(typ="JWT"),
    "unsigned": with_header(alg="none"),
    "under an unknown key": with_header(kid="0" * 32),
    "by another environment's key": of_another_service,
    "tampered with": tampered,
    "without its signature": lambda _, tokens: tokens.access_token.rpartition(".")[0] + ".",
    "a refresh token": lambda _, tokens: tokens.refresh_token,
    "an API key that was made up": lambda *_: f"gate_user_{'A' * 12}_{'b' * 43}{'c' * 6}",
    "made up": lambda _, tokens: secrets.token_urlsafe(32),
}


async def ask(
    service: Service, operation: Operation, headers: dict[str, str] | None = None
) -> httpx2.Response:
    """Call a route with well-formed parameters and no body."""
    return await service.client.request(operation.method, nobodys(operation), headers=headers)


def nobodys(operation: Operation) -> str:
    """Return the path of a route with well-formed ids that nothing has."""
    ids = dict.fromkeys(operation.parameters, str(uuid4()))
    return operation.with_parameters(**ids | {"public_id": "A1b2C3d4E5f6"})


async def test_no_protected_route_answers_without_credentials(service: Service) -> None:
    for operation in operations(service.app):
        if operation.authenticated:
            response = await ask(service, operation)
            assert problem(response) == UNAUTHENTICATED, operation
            assert challenge(response) == CHALLENGE, operation
            response = await ask(service, operation, {"Authorization": "Basic dXNlcjpwYXNz"})
            assert problem(response) == UNAUTHENTICATED, operation


async def test_no_protected_route_answers_to_malformed_credentials(
    service: Service, tokens: Tokens
) -> None:
    malformed = ("Bearer", "Bearer ", f"Bearer {tokens.access_token} x", "Bearer a,b")
    for operation in operations(service.app):
        for value in malformed if operation.authenticated else ():
            response = await ask(service, operation, {"Authorization": value})
            assert problem(response) == INVALID_REQUEST, (operation, value)


@pytest.mark.parametrize("name", WRONG)
async def test_no_protected_route_answers_to_a_token_that_is(
    service: Service, tokens: Tokens, name: str
) -> None:
    token = WRONG[name](service, tokens)
    await require_refused(service, token)
    # The control: it was refused for its fault.
    assert (await service.client.get("/auth/me", headers=tokens.bearer)).status_code == 200


async def require_refused(service: Service, token: str) -> None:
    """Check that every protected route gives the one answer to a bad token."""
    for operation in operations(service.app):
        if operation.authenticated:
            response = await ask(service, operation, bearer(token))
            assert problem(response) == INVALID_TOKEN, operation
            assert challenge(response) == f'{CHALLENGE}, error="invalid_token"', operation


async def test_no_protected_route_reads_a_token_from_anywhere_else(
    service: Service, tokens: Tokens
) -> None:
    token = tokens.access_token
    for operation in operations(service.app):
        if operation.authenticated:
            response = await service.client.request(
                operation.method,
                nobodys(operation),
                params={"access_token": token, "token": token},
                headers={"Cookie": f"access_token={token}; __Host-access={token}"},
            )
            assert problem(response) == UNAUTHENTICATED, operation


End = Callable[[Service, Tokens], Awaitable[object]]


async def log_out(service: Service, tokens: Tokens) -> None:
    """End the session."""
    await service.client.post("/auth/logout", headers=tokens.bearer)


async def log_out_everywhere(service: Service, tokens: Tokens) -> None:
    """End every session."""
    await service.client.post("/auth/logout-all", headers=tokens.bearer)


async def delete_account(service: Service, tokens: Tokens) -> None:
    """Delete the account."""
    await service.client.delete("/auth/me", headers=tokens.bearer)


async def disable(service: Service, tokens: Tokens) -> None:
    """Disable the account as an administrator."""
    account = await service.sql("SELECT email FROM account ORDER BY created_at")
    found = await administration.find_account(service.auth, account[-1]["email"])
    await administration.disable(service.auth, found.id)


async def revoke_key(service: Service, tokens: Tokens) -> None:
    """Revoke the key that signed the token."""
    await service.auth.key_store.revoke(tokens.header["kid"], service.clock.now())
    await service.auth.keyring.reload()


@pytest.mark.parametrize(
    "end",
    [
        *(
            pytest.param(end, marks=pytest.mark.skipif(not REVOKES_ACCESS_TOKENS, reason="none"))
            for end in (log_out, log_out_everywhere, delete_account, disable)
        ),
        revoke_key,
    ],
)
async def test_no_protected_route_answers_to_a_token_whose_time_was_cut_short(
    fresh_service: FreshService, end: End
) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    assert (await service.client.get("/auth/me", headers=tokens.bearer)).status_code == 200
    await end(service, tokens)
    await require_refused(service, tokens.access_token)


# What stands behind each parameter of the template's own paths: made by an owner, for a stranger.
# A new one fails the test until it says here how to make its object.
Make = Callable[[Service, Tokens], Awaitable[str]]


async def make_session(service: Service, tokens: Tokens) -> str:
    """Return the id of the owner's session."""
    return str(tokens.claims["sid"])


async def make_api_key(service: Service, tokens: Tokens) -> str:
    """Return the public id of an API key of the owner."""
    body = {"label": "a key", "scope": "items:read"}
    response = await service.client.post("/auth/api-keys", json=body, headers=tokens.bearer)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def make_identity(service: Service, tokens: Tokens) -> str:
    """Return the id of a login with a provider that opens the owner's account."""
    identity = AccountIdentity(
        id=uuid4(),
        account_id=UUID(tokens.claims["sub"]),
        provider="oidc",
        issuer="https://id.example.com",
        subject=secrets.token_hex(8),
        created_at=service.clock.now(),
    )
    async with service.database() as session:
        session.add(identity)
    return str(identity.id)


OBJECTS: dict[str, Make] = {
    "session_id": make_session,
    "public_id": make_api_key,
    "identity_id": make_identity,
}


async def test_another_users_object_is_not_found_and_goes_on(service: Service) -> None:
    stranger = await service.login(await service.account())
    tried = 0
    for operation in operations(service.app):
        ids = [each for each in operation.parameters if each.endswith("id")]
        if not (ids and operation.authenticated and operation.path.startswith("/auth/")):
            continue
        # A new one for each: what the owner ends may be the session.
        owner = await service.login(await service.account())
        values = {each: await OBJECTS[each](service, owner) for each in ids}
        path = operation.with_parameters(**values)
        theirs = await service.client.request(operation.method, path, headers=stranger.bearer)
        missing = await ask(service, operation, stranger.bearer)
        assert (theirs.status_code, theirs.content) == (404, missing.content), operation
        assert (await service.client.get("/auth/me", headers=owner.bearer)).status_code == 200
        # The control: for its owner there is something at this address.
        mine = await service.client.request(operation.method, path, headers=owner.bearer)
        assert mine.is_success, operation
        tried += 1
    assert tried
