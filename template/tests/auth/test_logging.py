# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Logs are JSON, carry the request id, and never a secret (semantics 11, ASVS 16.2.5)."""

import json
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.stdlib import get_logger

from app.core.logging import configure_logging, security_event
from tests.auth.support.core_app import CANARY, core_app, core_client

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _configured() -> None:
    configure_logging("INFO")


def logged(capsys: Capture) -> list[dict[str, Any]]:
    """Return what was logged, each line of standard output one object."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fail(message: str) -> None:
    raise RuntimeError(message)


def test_a_security_event_is_one_object_with_its_name(capsys: Capture) -> None:
    security_event("login_failed", account_id="a1", reason="password")
    (line,) = logged(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "login_failed",
        "account_id": "a1",
        "reason": "password",
        "logger": "app.security",
        "level": "info",
    }


def test_security_events_are_logged_whatever_the_level(capsys: Capture) -> None:
    configure_logging("ERROR")
    security_event("login_failed")
    get_logger("app").warning("something else")
    assert [line["event"] for line in logged(capsys)] == ["login_failed"]


def test_configured_twice_nothing_is_logged_twice(capsys: Capture) -> None:
    configure_logging("INFO")
    security_event("login_failed")
    assert len(logged(capsys)) == 1


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "refresh_token", "token", "secret_key", "email", "cookie"],
)
@pytest.mark.parametrize("nested", [False, True])
def test_fields_with_the_name_of_a_secret_are_dropped(
    capsys: Capture, name: str, nested: bool
) -> None:
    fields: dict[str, object] = {name: CANARY, "account_id": "a1"}
    security_event("event", **({"detail": [fields]} if nested else fields))
    output = capsys.readouterr().out
    assert CANARY not in output
    assert "a1" in output


def test_the_version_of_tokens_is_no_secret(capsys: Capture) -> None:
    security_event("logout_all", token_version=3)
    assert logged(capsys)[0]["token_version"] == 3


@pytest.mark.parametrize("text", [JWT, f"Bearer {CANARY}", f"Authorization: Basic {CANARY}"])
def test_what_looks_like_a_credential_is_blanked_in_any_text(capsys: Capture, text: str) -> None:
    get_logger("app").info("it said " + text, note={"inner": [text]})
    logging.getLogger("some.library").warning("it said %s", text)
    output = capsys.readouterr().out
    assert JWT not in output
    assert CANARY not in output
    assert output.count("[redacted]") == 3


def test_ids_are_logged_as_text_and_exceptions_in_fields_without_their_message(
    capsys: Capture,
) -> None:
    number = UUID(int=1)
    security_event("event", session=number, seen={number}, error=ValueError(CANARY), count=2)
    (line,) = logged(capsys)
    assert (line["session"], line["seen"]) == (str(number), [str(number)])
    assert (line["error"], line["count"]) == ("ValueError", 2)


@pytest.mark.parametrize("logger", ["app", "uvicorn.error", "some.library"])
def test_an_exception_is_logged_with_its_place_and_without_its_message(
    capsys: Capture, logger: str
) -> None:
    try:
        try:
            fail(CANARY)
        except RuntimeError as failure:
            raise ValueError(CANARY) from failure
    except ValueError:
        logging.getLogger(logger).exception("it failed")
    output = capsys.readouterr().out
    assert CANARY not in output
    (line,) = [json.loads(line) for line in output.splitlines()]
    cause, error = line["exception"]
    assert (cause["type"], error["type"]) == ("builtins.RuntimeError", "builtins.ValueError")
    assert cause["frames"][-1].endswith(" fail")


def test_the_errors_of_a_group_are_logged_without_their_messages(capsys: Capture) -> None:
    try:
        raise ExceptionGroup("several", [RuntimeError(CANARY), ValueError(CANARY)])
    except ExceptionGroup:
        get_logger("app").exception("they failed")
    output = capsys.readouterr().out
    assert CANARY not in output
    (group,) = json.loads(output)["exception"]
    types = [part[0]["type"] for part in group["exceptions"]]
    assert types == ["builtins.RuntimeError", "builtins.ValueError"]


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_an_app_logs_messages_of_exceptions_only_for_who_debugs_it(
    tmp_path: Path, capsys: Capture, level: str, shown: bool
) -> None:
    core_app(tmp_path, log_level=level)
    try:
        fail(CANARY)
    except RuntimeError:
        get_logger("app").exception("it failed")
    assert (CANARY in capsys.readouterr().out) is shown


def test_uvicorn_logs_the_same_way_and_no_query_strings(capsys: Capture) -> None:
    logging.getLogger("uvicorn.access").info('%s - "GET /?token=%s"', "127.0.0.1", CANARY)
    logging.getLogger("uvicorn.error").info("Application startup complete.")
    logging.getLogger("httpx2").info("HTTP Request: GET https://example.com/?code=%s", CANARY)
    assert [line["event"] for line in logged(capsys)] == ["Application startup complete."]


async def test_a_request_is_logged_once_with_its_id_and_without_its_query(
    tmp_path: Path, capsys: Capture
) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get("/livez", params={"token": CANARY})
    output = capsys.readouterr().out
    assert CANARY not in output
    (line,) = [json.loads(line) for line in output.splitlines()]
    assert line["request_id"] == response.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/livez", 200)


async def test_nothing_that_was_sent_is_logged(tmp_path: Path, capsys: Capture) -> None:
    async with core_client(tmp_path) as client:
        for body in (f'{{"email": "{CANARY}"}}', f'{{"{CANARY}', CANARY):
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {CANARY}"}
            await client.post(f"/core/thing?q={CANARY}", content=body, headers=headers)
        assert (await client.get("/core/unforeseen")).status_code == 500
    assert CANARY not in capsys.readouterr().out


async def test_a_harmless_request_id_is_taken_over(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get("/livez", headers={"X-Request-ID": "trace-1234"})
    assert response.headers["x-request-id"] == "trace-1234"


@pytest.mark.parametrize(
    "sent",
    [["a b"], ['a","level":"critical'], ["x" * 65], [""], ["a\u00e9"], ["one", "two"]],
)
async def test_any_other_request_id_is_replaced(tmp_path: Path, sent: list[str]) -> None:
    async with core_client(tmp_path) as client:
        headers = [(b"X-Request-ID", value.encode("latin-1")) for value in sent]
        response = await client.get("/livez", headers=headers)
    (given,) = response.headers.get_list("x-request-id")
    assert given not in sent
    assert len(given) == 32


async def test_a_path_cannot_forge_a_line_of_the_log(tmp_path: Path, capsys: Capture) -> None:
    async with core_client(tmp_path) as client:
        await client.get('/%0A{"event": "login_succeeded"}')
    (line,) = logged(capsys)
    assert line["event"] == "request"
