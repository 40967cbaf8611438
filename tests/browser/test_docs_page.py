"""The docs page of a service, in a real browser: a key opens what it opens, and then no more."""

import os
import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visited
from tests.matrix.questions import ROOT

pytestmark = pytest.mark.heavy
# With PICTURES=1 the test takes the screenshot of the documentation anew.
PICTURE = ROOT / "docs" / "static" / "docs-page-key.png"


@pytest.fixture
def owner(service: Visited) -> Iterator[httpx2.Client]:
    """Ada, logged in beside the browser; the worker that revokes a key refuses it at once."""
    with httpx2.Client(base_url=service.address, trust_env=False) as client:
        form = {"username": "ada@example.com", "password": service.password}
        answer = client.post("/auth/token", data=form).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


@pytest.fixture
def key(owner: httpx2.Client) -> dict[str, str]:
    """A new key of hers."""
    body = {"label": "docs page", "scope": "items:read"}
    made: dict[str, str] = owner.post("/auth/api-keys", json=body).raise_for_status().json()
    return made


@pytest.fixture
def docs(service: Visited, page: Page) -> Page:
    """The docs page; what its policy forbids, or what fails in its scripts, fails the test."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if _forbidden(line.text) else None)
    page.goto(f"{service.address}/docs")
    expect(page.locator("button.authorize").first).to_be_visible()
    assert complaints == []
    return page


def _forbidden(text: str) -> bool:
    return "Content Security Policy" in text


def authorize(page: Page, key: str) -> None:
    """Give the page a key in its Authorize dialog, as a reader does."""
    page.locator(".scheme-container button.authorize").click()
    form = page.locator(".auth-container", has_text="X-API-Key")
    form.locator("input").fill(key)
    form.get_by_role("button", name="Apply credentials").click()
    expect(form.get_by_role("heading", name="Authorized")).to_be_visible()
    if "PICTURES" in os.environ:
        form.screenshot(path=PICTURE)
    page.locator(".close-modal").click()


def log_in(page: Page, password: str) -> None:
    """Log in in the same dialog."""
    page.locator(".scheme-container button.authorize").click()
    form = page.locator(".auth-container", has_text="Token URL")
    form.locator("#oauth_username").fill("ada@example.com")
    form.locator("#oauth_password").fill(password)
    form.get_by_role("button", name="Apply given OAuth2 credentials").click()
    expect(form.get_by_role("heading", name="Authorized")).to_be_visible()
    page.locator(".close-modal").click()


def execute(page: Page, route: str) -> Locator:
    """Execute an operation; return where its live answer stands."""
    method, path = route.split()
    operation = page.locator(f".opblock-{method.lower()}", has=page.get_by_text(path, exact=True))
    if operation.locator(".execute").count() == 0:
        operation.locator(".opblock-summary").first.click()
        operation.locator(".try-out__btn").click()
    operation.locator(".execute").click()
    live = operation.locator(".live-responses-table")
    live.wait_for()
    return live


def status_of(live: Locator) -> Locator:
    """Return where the status of a live answer stands."""
    return live.locator("tbody .response-col_status")


def test_the_authorize_dialog_takes_a_key_which_is_refused_after_its_revocation(
    docs: Page, owner: httpx2.Client, key: dict[str, str]
) -> None:
    expect(status_of(execute(docs, "GET /items"))).to_have_text(re.compile("^401"))
    authorize(docs, key["api_key"])
    expect(status_of(execute(docs, "GET /items"))).to_have_text(re.compile("^200"))
    # What a key must not do, it must not do from here either.
    expect(status_of(execute(docs, "GET /auth/me"))).to_have_text(re.compile("^403"))
    owner.delete(f"/auth/api-keys/{key['id']}").raise_for_status()
    expect(status_of(execute(docs, "GET /items"))).to_have_text(re.compile("^401"))


def test_a_key_and_a_login_at_once_are_refused_until_one_is_taken_back(
    docs: Page, service: Visited, key: dict[str, str]
) -> None:
    authorize(docs, key["api_key"])
    log_in(docs, service.password)
    refused = execute(docs, "GET /items")
    expect(status_of(refused)).to_have_text(re.compile("^400"))
    expect(refused).to_contain_text("invalid_request")
    docs.locator(".scheme-container button.authorize").click()
    form = docs.locator(".auth-container", has_text="X-API-Key")
    form.get_by_role("button", name="Remove authorization").click()
    docs.locator(".close-modal").click()
    expect(status_of(execute(docs, "GET /auth/me"))).to_have_text(re.compile("^200"))


def test_the_page_forgets_a_key_with_the_tab(docs: Page, key: dict[str, str]) -> None:
    authorize(docs, key["api_key"])
    storage = docs.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert key["api_key"] not in storage
    docs.reload()
    expect(status_of(execute(docs, "GET /items"))).to_have_text(re.compile("^401"))
