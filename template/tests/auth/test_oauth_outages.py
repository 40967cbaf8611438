# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What a provider does wrong is said in one clear answer, opens nothing, and stays its own."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from app.auth.oauth import http
from app.core.logging import configure_logging
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.oauth import Logins, connect, make_stand_ins, person, provider_settings
from tests.auth.support.oauth_browser import StandIn
from tests.auth.support.plugin import FreshService
from tests.auth.support.settings import build_settings, settings_values

PROVIDER_ERROR = (502, "provider_error")
UNAVAILABLE = (503, "temporarily_unavailable")


class Endless(httpx2.AsyncByteStream):
    """A large answer that goes on for ever."""

    async def __aiter__(self) -> Any:
        """Give much at once."""
        while True:
            await asyncio.sleep(0.01)
            yield b" " * 65_536


class Dripping(httpx2.AsyncByteStream):
    """An answer that goes on for ever."""

    async def __aiter__(self) -> Any:
        """Give a byte now and then."""
        while True:
            await asyncio.sleep(0.01)
            yield b" "


class Held(httpx2.AsyncByteStream):
    """An answer that comes to nothing once a test lets it."""

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def __aiter__(self) -> Any:
        """Wait, and break off."""
        while not self.released.is_set():
            await asyncio.sleep(0.01)
            yield b" "
        raise httpx2.ReadError("broke off")


def answers() -> dict[str, tuple[httpx2.Response | Exception, tuple[int, str]]]:
    """Return what the token endpoint could answer, and what a browser is told then."""
    return {
        "down": (httpx2.ConnectError("refused"), UNAVAILABLE),
        "broken": (httpx2.RemoteProtocolError("hung up"), UNAVAILABLE),
        "error": (httpx2.Response(500, text="Traceback (most recent call last)"), UNAVAILABLE),
        "busy": (httpx2.Response(429, text="later"), UNAVAILABLE),
        "slow": (httpx2.Response(200, stream=Dripping()), UNAVAILABLE),
        "text": (httpx2.Response(200, text="<html>"), PROVIDER_ERROR),
        "empty": (httpx2.Response(200, json={}), PROVIDER_ERROR),
        "list": (httpx2.Response(200, json=[1]), PROVIDER_ERROR),
        "number": (httpx2.Response(200, json={"access_token": 7}), PROVIDER_ERROR),
        "deep": (httpx2.Response(200, text="[" * 100_000), PROVIDER_ERROR),
        "large": (httpx2.Response(200, stream=Endless()), PROVIDER_ERROR),
        "packed": (
            httpx2.Response(
                200, stream=httpx2.ByteStream(b"x"), headers={"Content-Encoding": "gzip"}
            ),
            PROVIDER_ERROR,
        ),
        "elsewhere": (
            httpx2.Response(302, headers={"Location": "https://evil.example/"}),
            PROVIDER_ERROR,
        ),
        "revoked": (httpx2.Response(401, json={"error": "invalid_client"}), PROVIDER_ERROR),
        "used": (httpx2.Response(400, json={"error": "invalid_grant"}), INVALID_GRANT),
        "odd": (httpx2.Response(400, json={"error": ["<script>", {"a": 1}]}), PROVIDER_ERROR),
    }


@pytest.mark.parametrize("kind", answers())
async def test_a_token_endpoint_that_fails_lets_nobody_in(
    logins: Logins, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, told = answers()[kind]
    stand_in, who, browser = logins.first, person(), logins.browser()
    back = stand_in.authorize(await browser.leave(stand_in.name), who)
    logins.network.answers |= {"/token": answer, "/access_token": answer}
    with monkeypatch.context() as patch:
        if kind == "slow":
            patch.setattr(http, "TIMEOUT_SECONDS", 0.1)
        async with asyncio.timeout(30):  # of a loaded machine
            response = await browser.come_back(back)
    assert problem(response) == told
    assert "Traceback" not in response.text
    assert "__Host-refresh" not in browser.cookies
    logins.network.answers.clear()
    # The flow is used up; the next one works.
    assert problem(await browser.come_back(back)) == INVALID_GRANT
    assert (await logins.browser().log_in(stand_in, who)).status_code == 303


async def test_other_logins_go_on_while_a_provider_is_away(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A loaded machine takes its time for the login in between.
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 60.0)
    held = Held()
    away = httpx2.Response(200, stream=held)
    logins.network.answers |= {"/openid-configuration": away, "/access_token": away}
    stand_in, user = logins.first, await logins.service.account()

    async def try_provider() -> int:
        browser = logins.browser()
        response = await browser.try_to_leave(stand_in.name)
        if response.status_code == 303:
            back = stand_in.authorize(response.headers["location"], person())
            response = await browser.come_back(back)
        return response.status_code

    waiting = [asyncio.create_task(try_provider()) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert (await logins.service.login(user)).access_token
    assert not any(task.done() for task in waiting)
    held.released.set()
    assert await asyncio.gather(*waiting) == [503] * 5


async def test_a_user_who_says_no_is_told_so(logins: Logins, stand_in: StandIn) -> None:
    for error, told in (("access_denied", (403, "access_denied")), ("x", PROVIDER_ERROR)):
        browser = logins.browser()
        back = stand_in.authorize(await browser.leave(stand_in.name), person())
        code = back.partition("code=")[2].partition("&")[0]
        detail = f"error={error}&error_description=<b>secret</b>"
        response = await browser.come_back(back.replace(f"code={code}", detail))
        assert problem(response) == told
        assert "secret" not in response.text
        # Refused or not, the flow is over.
        assert problem(await browser.come_back(back)) == INVALID_GRANT


async def test_logins_and_refusals_are_logged_without_secrets_and_addresses(
    logins: Logins, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("WARNING")
    who, browser = person(), logins.browser()
    back = logins.first.authorize(await browser.leave(logins.first.name), who)
    cookies = list(browser.cookies.values())
    await browser.come_back(back)
    await browser.come_back(back)
    output = capsys.readouterr().out
    lines = {line["event"]: line for line in map(json.loads, output.splitlines())}
    assert {"account_made_by_provider", "login", "provider_login_failed"} <= lines.keys()
    assert lines["provider_login_failed"]["reason"] == "invalid_grant"
    secrets = [*cookies, *back.replace("&", "=").split("=")[1::2], str(who.email)]
    assert not [secret for secret in secrets if len(secret) > 15 and secret in output]


async def test_a_service_that_wants_verified_addresses_lets_nobody_in_without_one(
    fresh_service: FreshService,
) -> None:
    stand_ins = make_stand_ins()
    service = await fresh_service(**provider_settings(stand_ins), require_verified_email=True)
    logins = connect(service, stand_ins)
    unverified = person(verified=False)
    response = await logins.browser().log_in(logins.first, unverified)
    assert problem(response) == (403, "verified_email_required")
    assert await service.sql("SELECT id FROM account") == []
    assert (await logins.browser().log_in(logins.first, person())).status_code == 303


def findings(**settings: object) -> str:
    """Return what is wrong with settings."""
    values = {**settings_values("sqlite+aiosqlite:///unused.db"), **settings}
    return "\n".join(build_settings(values).findings())


def test_a_half_configured_provider_is_a_finding_everywhere() -> None:
    assert findings() == ""
    for stand_in in make_stand_ins().values():
        for name in stand_in.settings:
            if name.endswith(("_id", "_secret", "_issuer")):
                half = {k: v for k, v in stand_in.settings.items() if k != name}
                assert findings(**half) == (
                    f"{name.upper()} is missing: register this service at the provider"
                )


def test_production_wants_every_chosen_provider_and_https() -> None:
    told = findings(environment="production")
    for stand_in in make_stand_ins().values():
        for name in stand_in.settings:
            if name.endswith(("_id", "_secret", "_issuer")):
                assert f"{name.upper()} is missing" in told
    assert "OAUTH_RETURN_TO is missing" in told
    told = findings(environment="production", oauth_return_to="http://app.example.com/")
    assert "OAUTH_RETURN_TO holds 'http://app.example.com/': use https in production" in told


@pytest.mark.parametrize(
    "address",
    [
        "app.example.com/welcome",
        "https://app.example.com@evil.example/",
        "https://app.example.com/?next=x",
        "https://app.example.com/#x",
        "https://app.example.com\\evil.example/",
        "https://*.example.com/",
        "javascript:alert(1)",
        "https:///welcome",
        "https://[bad/",
    ],
)
def test_a_return_address_that_is_not_plain_is_a_finding(address: str) -> None:
    assert "OAUTH_RETURN_TO holds" in findings(oauth_return_to=address)
