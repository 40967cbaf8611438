# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A key opens what a token opens, in one header, and never what manages an account."""

import json
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.auth import requires
from app.auth.api_key_format import checksum
from app.core.logging import configure_logging
from tests.auth.support.answers import (
    INVALID_REQUEST,
    INVALID_TOKEN,
    UNAUTHENTICATED,
    challenge,
    problem,
)
from tests.auth.support.api_keys import (
    REFUSED,
    Key,
    Owner,
    Statements,
    probed,
    service_key,
    unknown_key,
)
from tests.auth.support.credentials import bearer
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service

# Every route of the template that only a person may call, with a body that would be good enough.
ACCOUNT_MANAGEMENT = [
    ("GET", "/auth/me", None),
    ("DELETE", "/auth/me", None),
    ("POST", "/auth/password/change", {"current_password": "x", "password": "x" * 15}),
    ("POST", "/auth/email/change", {"email": "thief@example.com"}),
    ("POST", "/auth/logout-all", None),
    ("GET", "/auth/sessions", None),
    ("DELETE", "/auth/sessions/{session_id}", None),
    ("GET", "/auth/api-keys", None),
    ("POST", "/auth/api-keys", {"label": "more", "scope": ""}),
    ("POST", "/auth/api-keys/{public_id}/rotate", None),
    ("DELETE", "/auth/api-keys/{public_id}", None),
    ("POST", "/auth/logout", None),
]
if find_spec("app.auth.oauth"):  # a service with login with providers
    ACCOUNT_MANAGEMENT += [
        ("GET", "/auth/identities", None),
        ("DELETE", "/auth/identities/{identity_id}", None),
        ("POST", "/auth/oauth/{provider}/link", {"return_to": "https://app.example.com/"}),
    ]
NOBODYS = {
    "session_id": UUID(int=0),
    "public_id": "0" * 12,
    "identity_id": UUID(int=0),
    "provider": "oidc",
}


@pytest.fixture(scope="module")
async def probe(sqlite_kit: Kit) -> AsyncIterator[Service]:
    """A service with the probe."""
    with pytest.MonkeyPatch.context() as patch:
        async with probed(sqlite_kit, patch) as service:
            yield service


@pytest.fixture
async def owner(probe: Service) -> Owner:
    """Somebody who is logged in."""
    return await Owner.on(probe)


@pytest.fixture
async def key(owner: Owner) -> Key:
    """A key of the owner."""
    return await owner.make()


async def test_one_dependency_takes_tokens_and_keys_in_either_header(
    probe: Service, owner: Owner, key: Key
) -> None:
    for headers in (key.header, key.bearer, {"authorization": f"bearer {key.text}"}):
        response = await probe.client.get("/probe", headers=headers)
        assert response.json() == {
            "subject": str(owner.user.id),
            "scopes": ["probe:read", "probe:write"],
            "kind": "user_key",
            "key_id": key.id,
        }
        assert response.headers["cache-control"] == "no-store"
    response = await probe.client.get("/probe", headers=owner.tokens.bearer)
    assert (response.json()["kind"], response.json()["key_id"]) == ("user", None)


async def test_a_service_principal_is_known_by_its_prefix(probe: Service) -> None:
    name, key = await service_key(probe.auth)
    response = await probe.client.get("/probe", headers=key.header)
    (row,) = await probe.sql("SELECT account_id FROM service_principal WHERE name = :n", n=name)
    assert response.json()["subject"].replace("-", "") == f"svc:{row['account_id']}".replace(
        "-", ""
    )
    assert response.json()["kind"] == "service_key"


async def test_a_scope_that_the_key_lacks_is_403_with_the_scope(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make("probe:read")
    assert (await probe.client.get("/probe/read", headers=key.header)).status_code == 200
    response = await probe.client.get("/probe/write", headers=key.header)
    assert problem(response) == (403, "insufficient_scope")
    assert 'scope="probe:write"' in challenge(response)


async def test_a_route_can_refuse_one_kind_of_credential(
    probe: Service, owner: Owner, key: Key
) -> None:
    assert (await probe.client.get("/probe/people", headers=owner.tokens.bearer)).json() == "user"
    _, machine = await service_key(probe.auth)
    for each in (key, machine):
        response = await probe.client.get("/probe/people", headers=each.header)
        assert problem(response) == REFUSED
        assert "www-authenticate" not in response.headers  # no other scope would help
    assert (await probe.client.get("/probe/machines", headers=machine.header)).status_code == 200
    for headers in (key.header, owner.tokens.bearer):
        assert problem(await probe.client.get("/probe/machines", headers=headers)) == REFUSED


def test_a_kind_that_does_not_exist_is_an_error_at_import() -> None:
    for kinds in ({"person"}, set(), {"user", "svc"}):
        with pytest.raises(ValueError, match="kinds"):
            requires(kinds=kinds)  # type: ignore[arg-type]


@pytest.mark.parametrize(("method", "path", "body"), ACCOUNT_MANAGEMENT)
async def test_no_key_manages_an_account(
    probe: Service, key: Key, method: str, path: str, body: dict[str, object] | None
) -> None:
    before = await probe.sql("SELECT count(*) AS number FROM api_key WHERE revoked_at IS NULL")
    _, machine = await service_key(probe.auth)
    for headers in (key.header, key.bearer, machine.header):
        address = path.format(**NOBODYS)
        response = await probe.client.request(method, address, json=body, headers=headers)
        assert problem(response) == REFUSED
    after = await probe.sql("SELECT count(*) AS number FROM api_key WHERE revoked_at IS NULL")
    assert after[0]["number"] == before[0]["number"] + 1


async def test_the_list_of_account_management_is_whole(probe: Service) -> None:
    document = probe.app.openapi()
    listed = {(method, path) for method, path, _ in ACCOUNT_MANAGEMENT}
    found = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        if path.startswith("/auth/")
        for method, operation in methods.items()
        if "security" in operation
    }
    assert found == listed - {("POST", "/auth/logout")}


async def test_two_credentials_at_once_are_400(probe: Service, owner: Owner, key: Key) -> None:
    for other in (owner.tokens.bearer, key.bearer, {"Authorization": "Basic YTpi"}):
        response = await probe.client.get("/probe", headers={**key.header, **other})
        assert problem(response) == INVALID_REQUEST


async def test_a_doubled_header_is_400(probe: Service, key: Key) -> None:
    for second in (key.text, unknown_key().text, ""):
        headers = [("X-API-Key", key.text), ("x-api-key", second)]
        assert problem(await probe.client.get("/probe", headers=headers)) == INVALID_REQUEST


@pytest.mark.parametrize("name", ["api_key", "apikey", "access_token", "key", "X-API-Key", "token"])
async def test_a_key_in_the_query_is_never_read_and_never_logged(
    probe: Service, key: Key, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("DEBUG")
    response = await probe.client.get("/probe", params={name: key.text})
    assert problem(response) == UNAUTHENTICATED
    response = await probe.client.get(f"/probe/{key.text}", params={name: key.text})
    assert problem(response) == (404, "not_found")
    output = capsys.readouterr()
    assert "request" in output.out
    assert key.text.split("_")[3] not in output.out + output.err
    configure_logging("WARNING")


async def test_a_cookie_or_a_body_holds_no_key(probe: Service, key: Key) -> None:
    response = await probe.client.get("/probe", headers={"Cookie": f"X-API-Key={key.text}"})
    assert problem(response) == UNAUTHENTICATED
    response = await probe.client.request("GET", "/probe", data={"api_key": key.text})
    assert problem(response) == UNAUTHENTICATED


async def test_a_token_is_no_key_and_the_other_way_round(probe: Service, owner: Owner) -> None:
    headers = {"X-API-Key": owner.tokens.access_token}
    assert problem(await probe.client.get("/probe", headers=headers)) == INVALID_TOKEN
    headers = {"X-API-Key": owner.tokens.refresh_token}
    assert problem(await probe.client.get("/probe", headers=headers)) == INVALID_TOKEN


async def test_a_key_is_no_refresh_token(probe: Service, key: Key) -> None:
    for path in ("/auth/refresh", "/auth/logout"):
        response = await probe.client.post(path, json={"refresh_token": key.text})
        assert response.status_code in {400, 204}
    assert (await probe.client.get("/probe", headers=key.header)).status_code == 200


async def test_every_bad_key_gets_one_answer(probe: Service, owner: Owner, key: Key) -> None:
    revoked, expired = await owner.make(), await owner.make(expires_in_days=1)
    await owner.revoke(revoked)
    text = key.text
    other_secret = text[:-50] + text[-50:-7].swapcase()
    other_kind = text[:-6].replace("_user_", "_svc_")
    bad = {
        "empty": "",
        "no key": "gate_",
        "wrong checksum": text[:-1] + ("1" if text[-1] == "0" else "0"),
        "wrong secret": other_secret + checksum(other_secret),
        "other kind": text.replace("_user_", "_svc_"),
        "other kind, right checksum": other_kind + checksum(other_kind),
        "unknown": unknown_key().text,
        "revoked": revoked.text,
        "long": text * 100,
        "not ASCII": text.replace("gate", "gâte"),
    }
    probe.clock.advance(days=1)
    bad["expired"] = expired.text
    answers = {}
    for name, value in bad.items():
        response = await probe.client.get("/probe", headers=[(b"X-API-Key", value.encode())])
        assert problem(response) == INVALID_TOKEN, name
        headers = {n: v for n, v in response.headers.items() if n != "x-request-id"}
        answers[name] = (response.content, json.dumps(headers, sort_keys=True))
    assert len(set(answers.values())) == 1, answers


async def test_a_wrong_checksum_costs_no_look_up(probe: Service, key: Key) -> None:
    with Statements(probe.app.state.database) as statements:
        for number in range(100):
            text = f"{key.text[:-7]}{number % 10}{key.text[-6:]}"
            if text != key.text:
                headers = {"X-API-Key": text}
                assert problem(await probe.client.get("/probe", headers=headers)) == INVALID_TOKEN
    assert statements.count == 0


async def test_a_route_that_reads_the_account_asks_for_the_key_as_well(
    probe: Service, owner: Owner, key: Key
) -> None:
    response = await probe.client.get("/probe/account", headers=key.header)
    assert response.json() == str(owner.user.id)
    # Revoked by somebody else: this worker remembers it as good, and its database does not.
    await probe.sql("UPDATE api_key SET revoked_at = created_at WHERE id = :id", id=key.id)
    assert (await probe.client.get("/probe", headers=key.header)).status_code == 200
    response = await probe.client.get("/probe/account", headers=key.header)
    assert problem(response) == INVALID_TOKEN


async def test_a_change_of_the_account_leaves_its_keys_alone_where_the_account_is_read(
    probe: Service, owner: Owner, key: Key
) -> None:
    assert (await probe.client.get("/probe/account", headers=key.header)).status_code == 200
    response = await probe.client.post("/auth/logout-all", headers=owner.tokens.bearer)
    assert response.status_code == 204
    assert (await probe.client.get("/probe/account", headers=key.header)).status_code == 200
    response = await probe.client.get("/probe/account", headers=owner.tokens.bearer)
    assert problem(response) == INVALID_TOKEN


async def test_a_web_socket_takes_a_key_too(probe: Service, owner: Owner, key: Key) -> None:
    # The client's own event loop: the app's database connections belong to the test's.
    await probe.client.get("/probe", headers=key.header)  # remembered from here on
    client = TestClient(probe.app)
    with client.websocket_connect("wss://testserver/probe/socket", headers=key.header) as socket:
        assert socket.receive_text() == str(owner.user.id)
    bad = {"X-API-Key": key.text[:-1]}
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("wss://testserver/probe/socket", headers=bad),
    ):
        pass


async def test_openapi_shows_both_schemes_as_alternatives(probe: Service) -> None:
    document: dict[str, Any] = (await probe.client.get("/openapi.json")).json()
    schemes = document["components"]["securitySchemes"]
    assert schemes["APIKey"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    (login,) = (name for name, each in schemes.items() if each["type"] == "oauth2")
    security = document["paths"]["/probe/write"]["get"]["security"]
    # A list means "one of these" (OpenAPI 3.1, Operation Object).
    assert sorted(name for each in security for name in each) == sorted([login, "APIKey"])
    assert all(len(each) == 1 for each in security)


async def test_a_bearer_key_that_is_malformed_is_400_like_a_token(probe: Service, key: Key) -> None:
    for value in (f"Bearer {key.text} x", f"Bearer {key.text},x", "Bearer "):
        response = await probe.client.get("/probe", headers={"Authorization": value})
        assert problem(response) == INVALID_REQUEST
    assert problem(await probe.client.get("/probe", headers=bearer("gate_"))) == INVALID_TOKEN


async def test_a_key_whose_owner_is_inactive_is_refused_by_that_alone(
    probe: Service, owner: Owner
) -> None:
    key = await owner.make("probe:read")
    await probe.sql("UPDATE account SET active = false WHERE email = :e", e=owner.user.email)
    assert problem(await probe.client.get("/probe", headers=key.header)) == INVALID_TOKEN
