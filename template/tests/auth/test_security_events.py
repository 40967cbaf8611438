# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Who did what, when and from where stands in the log; who was refused too (ASVS 16.2.1, 16.3)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.security import SecurityScopes
from starlette.requests import HTTPConnection

from app.auth import get_current_user
from app.core.errors import InsufficientScope, ServiceUnavailable
from app.core.logging import configure_logging
from tests.auth.support.core_app import core_app
from tests.auth.support.credentials import PASSWORD, Tokens, User, bearer, new_email
from tests.auth.support.service import Service
from tests.auth.support.settings import ORIGIN, ROTATES

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _configured() -> None:
    # Whatever an earlier test did to the log of this process.
    configure_logging("WARNING")


def events(capsys: Capture, name: str) -> list[dict[str, Any]]:
    """Return the logged lines with this event."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == name]


async def test_a_login_says_who_when_and_from_where(
    service: Service, account: User, capsys: Capture
) -> None:
    form = {"username": account.email, "password": account.password}
    response = await service.new_client("203.0.113.77").post("/auth/token", data=form)
    (event,) = events(capsys, "login")
    assert event["account_id"] == str(account.id)
    assert event["session_id"]
    assert event["address"] == "203.0.113.77"
    assert event["request_id"] == response.headers["x-request-id"]
    at = datetime.fromisoformat(event["timestamp"])
    assert at.tzinfo == UTC
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


async def test_a_refused_login_is_logged_without_what_was_sent(
    service: Service, account: User, capsys: Capture
) -> None:
    for email in (account.email, new_email()):
        form = {"username": email, "password": "canary-Password-4711"}
        response = await service.new_client("203.0.113.78").post("/auth/token", data=form)
        output = capsys.readouterr().out
        (event,) = [json.loads(line) for line in output.splitlines()]
        assert (event["event"], event["address"]) == ("login_failed", "203.0.113.78")
        # Whose password is being guessed: the log may know what the answer must not tell.
        assert event["account_id"] == (str(account.id) if email == account.email else None)
        assert event["request_id"] == response.headers["x-request-id"]
        assert "canary" not in output
        assert email not in output


async def test_the_end_of_sessions_and_a_new_password_are_logged(
    service: Service, account: User, tokens: Tokens, capsys: Capture
) -> None:
    await service.client.post("/auth/logout", headers=tokens.bearer)
    (event,) = events(capsys, "logout")
    ids = {"account_id": str(account.id), "session_id": tokens.claims["sid"]}
    assert ids.items() <= event.items()
    other = await service.login(account)
    for current, name in (("wrong", "password_change_failed"), (PASSWORD, "password_changed")):
        body = {"current_password": current, "password": "velvet-Harbor-31-quince"}
        await service.client.post("/auth/password/change", json=body, headers=other.bearer)
        (event,) = events(capsys, name)
        assert event["account_id"] == str(account.id)


async def test_a_used_up_limit_is_logged(service: Service, account: User, capsys: Capture) -> None:
    client = service.new_client()
    form = {"username": account.email, "password": "not-the-Password-1-ox"}
    for _ in range(11):
        response = await client.post("/auth/token", data=form)
    assert response.status_code == 429
    (event,) = events(capsys, "rate_limited")
    assert event["limit"] == "login_address"
    assert event["key"].startswith("198.18.")  # the client's address
    assert event["request_id"] == response.headers["x-request-id"]


@pytest.mark.skipif(not ROTATES, reason="a refresh token may be used again here")
async def test_a_stolen_refresh_token_is_logged(
    service: Service, account: User, tokens: Tokens, capsys: Capture
) -> None:
    await service.refresh(tokens)
    service.clock.advance(seconds=31)
    await service.try_refresh(tokens.refresh_token)
    (event,) = events(capsys, "refresh_token_reuse")
    assert (event["account_id"], event["session_id"]) == (str(account.id), tokens.claims["sid"])


async def test_a_refused_access_token_is_logged_with_the_check_that_failed(
    service: Service, tokens: Tokens, capsys: Capture
) -> None:
    header, payload, signature = tokens.access_token.split(".")
    forged = f"{header}.{payload}.{signature[::-1]}"
    for token, reason in ((forged, "signature"), ("x", "malformed")):
        await service.client.get("/auth/me", headers=bearer(token))
        (event,) = events(capsys, "token_refused")
        assert event["reason"] == reason
    assert forged not in capsys.readouterr().out


async def test_what_a_foreign_page_and_an_unknown_refresh_token_try_is_logged(
    service: Service, capsys: Capture
) -> None:
    body = {"email": new_email(), "password": PASSWORD}
    await service.client.post("/auth/session", json=body, headers={"Origin": "https://a.example"})
    (event,) = events(capsys, "cross_origin_refused")
    assert event["path"] == "/auth/session"
    await service.new_client("203.0.113.79").post("/auth/refresh", json={"refresh_token": "A" * 43})
    (event,) = events(capsys, "refresh_refused")
    assert event["address"] == "203.0.113.79"


async def test_a_missing_scope_is_logged_with_who_lacked_it(
    service: Service, account: User, tokens: Tokens, capsys: Capture
) -> None:
    response = await service.new_client().get("/auth/me", headers=tokens.bearer)
    assert response.status_code == 200
    # A route of the template asks for no scope; its dependency does the same for those that do.
    headers = [(b"authorization", tokens.bearer["Authorization"].encode())]
    request = HTTPConnection({"type": "http", "app": service.app, "headers": headers})
    with pytest.raises(InsufficientScope):
        await get_current_user(request, SecurityScopes(["parcels:read"]), None, None)
    (event,) = events(capsys, "scope_denied")
    assert (event["account_id"], event["missing"]) == (str(account.id), ["parcels:read"])


async def test_an_outage_is_logged_with_its_cause(
    service: Service, account: User, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise ServiceUnavailable from ConnectionRefusedError("the address of the database")

    monkeypatch.setattr(service.app.state.database, "read", unavailable)
    form = {"username": account.email, "password": account.password}
    assert (await service.client.post("/auth/token", data=form)).status_code == 503
    output = capsys.readouterr().out
    (event,) = [json.loads(line) for line in output.splitlines()]
    assert event["event"] == "unavailable"
    assert event["exception"][0]["type"] == "builtins.ConnectionRefusedError"
    assert "address of the database" not in output


async def test_an_unforeseen_error_reaches_the_servers_log(tmp_path: Path) -> None:
    # The server logs what an app raises; test_logging.py shows how.
    app = core_app(tmp_path)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        with pytest.raises(RuntimeError):
            await client.get("/core/unforeseen")
    await app.state.database.dispose()
