# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""With a project set, every line has the names of Cloud Logging, and the same is kept out of it."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from structlog.stdlib import get_logger

from app.core.logging import configure_logging, security_event
from tests.auth.support.core_app import CANARY, core_client

PROJECT = "parcels-prod"
TRACE = "0af7651916cd43dd8448eb211c80319c"
Capture = pytest.CaptureFixture[str]


def logged(capsys: Capture) -> list[dict[str, Any]]:
    """Return what was logged, each line of standard output one object."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "header",
    [
        {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
        {"X-Cloud-Trace-Context": f"{TRACE}/123456789;o=1"},
        {"X-Cloud-Trace-Context": TRACE},
    ],
    ids=["W3C", "Google", "Google without a span"],
)
async def test_a_request_is_logged_with_severity_message_time_and_its_trace(
    tmp_path: Path, capsys: Capture, header: dict[str, str]
) -> None:
    async with core_client(tmp_path, log_google_cloud_project=PROJECT) as client:
        await client.get("/livez", headers=header)
    (line,) = logged(capsys)
    assert (line["severity"], line["message"], line["status"]) == ("INFO", "request", 200)
    assert line["time"].endswith("Z")
    assert line["logging.googleapis.com/trace"] == f"projects/{PROJECT}/traces/{TRACE}"
    assert not {"level", "event", "timestamp", "trace_id"} & line.keys()


@pytest.mark.parametrize(
    "sent",
    ["", "x", TRACE[:-1], TRACE.upper(), f'00-{TRACE}"', f"projects/other/traces/{TRACE}"],
)
async def test_what_is_no_trace_is_not_logged_as_one(
    tmp_path: Path, capsys: Capture, sent: str
) -> None:
    async with core_client(tmp_path, log_google_cloud_project=PROJECT) as client:
        await client.get("/livez", headers={"traceparent": sent})
    (line,) = logged(capsys)
    assert "logging.googleapis.com/trace" not in line


async def test_the_trace_of_one_request_is_not_that_of_the_next(
    tmp_path: Path, capsys: Capture
) -> None:
    async with core_client(tmp_path, log_google_cloud_project=PROJECT) as client:
        await client.get("/livez", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
        await client.get("/livez")
    assert ["logging.googleapis.com/trace" in line for line in logged(capsys)] == [True, False]


def test_every_level_is_a_severity_of_cloud_logging(capsys: Capture) -> None:
    configure_logging("DEBUG", google_cloud_project=PROJECT)
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(get_logger("app"), level)("ours")
        getattr(logging.getLogger("some.library"), level)("theirs")
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        get_logger("app").exception("it failed")
    wanted = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    assert [line["severity"] for line in logged(capsys)] == [
        level for level in wanted for _ in range(2)
    ] + ["ERROR"]


def test_secrets_are_kept_out_under_the_other_names_too(capsys: Capture) -> None:
    configure_logging("INFO", google_cloud_project=PROJECT)
    security_event("login_failed", refresh_token=CANARY, note=f"Bearer {CANARY}")
    get_logger("app").info(f"it said Bearer {CANARY}", message=CANARY, severity="EMERGENCY")
    event, said = logged(capsys)
    assert CANARY not in f"{event}{said}"
    assert event["message"] == "login_failed"
    # What a caller happens to name like ours does not replace ours.
    assert (said["severity"], said["message"]) == ("INFO", "it said Bearer [redacted]")
