# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The refresh cookie belongs to this origin alone, and only its own pages can use it."""

from http.cookies import Morsel, SimpleCookie

import httpx2
import pytest

from tests.auth.support.answers import (
    INVALID_GRANT,
    INVALID_REQUEST,
    UNAUTHENTICATED,
    problem,
)
from tests.auth.support.credentials import SAME_ORIGIN, Tokens, User, cookie, tokens_of
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import ORIGIN

CROSS_ORIGIN = (403, "cross_origin_request")


def cookie_in(response: httpx2.Response, name: str) -> Morsel[str]:
    """Return one cookie that an answer sets, with its attributes."""
    cookies: SimpleCookie = SimpleCookie()
    for value in response.headers.get_list("set-cookie"):
        cookies.load(value)
    return cookies[name]


def require_removal(response: httpx2.Response) -> None:
    """Check that a browser removes its refresh cookie: it takes a `__Host-` one only like this."""
    removed = cookie_in(response, "__Host-refresh")
    assert (removed.value, removed["max-age"], removed["path"]) == ("", "0", "/")
    assert removed["secure"]
    assert not removed["domain"]


async def log_in(service: Service, account: User, headers: dict[str, str]) -> httpx2.Response:
    """Log in as a browser would, with these headers about where the page came from."""
    body = {"email": account.email, "password": account.password}
    return await service.client.post("/auth/session", json=body, headers=headers)


async def test_the_refresh_cookie_is_bound_to_the_host_and_hidden_from_scripts(
    service: Service, account: User
) -> None:
    set_cookie = cookie_in(await log_in(service, account, SAME_ORIGIN), "__Host-refresh")
    assert set_cookie["secure"]
    assert set_cookie["httponly"]
    assert set_cookie["samesite"].lower() == "strict"
    assert set_cookie["path"] == "/"
    assert not set_cookie["domain"]
    assert set_cookie["expires"] or set_cookie["max-age"]


async def test_a_cookie_refresh_answers_by_cookie(service: Service, account: User) -> None:
    tokens = await service.cookie_login(account)
    response = await service.client.post("/auth/refresh", headers=cookie(tokens.refresh_token))
    renewed = tokens_of(response)
    assert "refresh_token" not in response.json()
    assert cookie_in(response, "__Host-refresh").value == renewed.refresh_token
    assert renewed.refresh_token not in response.text


async def test_a_body_refresh_sets_no_cookie(service: Service, tokens: Tokens) -> None:
    response = await service.try_refresh(tokens.refresh_token)
    assert "set-cookie" not in response.headers
    assert response.json()["refresh_token"]


async def test_cookie_and_body_together_are_a_bad_request(
    service: Service, account: User, tokens: Tokens
) -> None:
    in_cookie = await service.cookie_login(account)
    response = await service.client.post(
        "/auth/refresh",
        json={"refresh_token": tokens.refresh_token},
        headers=cookie(in_cookie.refresh_token),
    )
    assert problem(response) == INVALID_REQUEST
    for each in (tokens, in_cookie):
        assert (await service.try_refresh(each.refresh_token)).status_code == 200


async def test_a_refresh_without_any_token_is_a_bad_request(service: Service) -> None:
    response = await service.client.post("/auth/refresh", headers=SAME_ORIGIN)
    assert problem(response) in {INVALID_REQUEST, INVALID_GRANT}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": f"{ORIGIN}.attacker.example"},
        {"Origin": ORIGIN.replace("https", "http")},
        {"Origin": f"{ORIGIN}:8443"},
    ],
    ids=str,
)
async def test_a_page_of_another_origin_cannot_use_the_cookie_endpoints(
    service: Service, account: User, headers: dict[str, str]
) -> None:
    assert problem(await log_in(service, account, headers)) == CROSS_ORIGIN
    tokens = await service.cookie_login(account)
    cookies = {"Cookie": f"__Host-refresh={tokens.refresh_token}"}
    for path in ("/auth/refresh", "/auth/logout"):
        response = await service.client.post(path, headers=cookies | headers)
        assert problem(response) == CROSS_ORIGIN, path
    assert (await service.try_refresh(tokens.refresh_token)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": ORIGIN}, {"Sec-Fetch-Site": "same-origin"}, SAME_ORIGIN],
    ids=str,
)
async def test_a_page_of_this_origin_can(
    service: Service, account: User, headers: dict[str, str]
) -> None:
    tokens = tokens_of(await log_in(service, account, headers))
    cookies = {"Cookie": f"__Host-refresh={tokens.refresh_token}"}
    response = await service.client.post("/auth/refresh", headers=cookies | headers)
    assert response.status_code == 200


async def test_a_page_of_an_origin_that_is_allowed_by_settings_can(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service(cors_origins="https://app.example.com")
    account = await service.account()
    headers = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "same-site"}
    assert (await log_in(service, account, headers)).status_code == 200
    other = {"Origin": "https://other.example.com"}
    assert problem(await log_in(service, account, other)) == CROSS_ORIGIN


async def test_no_resource_route_reads_a_cookie(service: Service, account: User) -> None:
    tokens = await service.cookie_login(account)
    headers = {
        "Cookie": f"__Host-refresh={tokens.refresh_token}; access_token={tokens.access_token}"
    }
    for method, path in (("GET", "/auth/me"), ("GET", "/auth/sessions"), ("DELETE", "/auth/me")):
        response = await service.client.request(method, path, headers=SAME_ORIGIN | headers)
        assert problem(response) == UNAUTHENTICATED, path


async def test_a_refused_refresh_cookie_is_removed(service: Service, account: User) -> None:
    # A browser that keeps a dead cookie would be refused for ever.
    tokens = await service.cookie_login(account)
    await service.client.post("/auth/logout", headers=tokens.bearer)
    response = await service.client.post("/auth/refresh", headers=cookie(tokens.refresh_token))
    assert problem(response) == INVALID_GRANT
    require_removal(response)


async def test_logging_out_removes_the_refresh_cookie(service: Service, account: User) -> None:
    tokens = await service.cookie_login(account)
    response = await service.client.post("/auth/logout", headers=cookie(tokens.refresh_token))
    assert response.status_code == 204
    require_removal(response)


async def test_a_browser_that_keeps_cookies_stays_logged_in(
    service: Service, account: User
) -> None:
    browser = service.new_client(keep_cookies=True)
    body = {"email": account.email, "password": account.password}
    tokens_of(await browser.post("/auth/session", json=body, headers=SAME_ORIGIN))
    for _ in range(2):
        response = await browser.post("/auth/refresh", headers=SAME_ORIGIN)
        assert response.status_code == 200
    assert (await browser.post("/auth/logout", headers=SAME_ORIGIN)).status_code == 204
    assert "__Host-refresh" not in browser.cookies
    response = await browser.post("/auth/refresh", headers=SAME_ORIGIN)
    assert problem(response) in {INVALID_REQUEST, INVALID_GRANT}
