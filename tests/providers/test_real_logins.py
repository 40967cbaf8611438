"""A real browser logs in at a certified OpenID provider and at GitHub, and is then refused."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.matrix.questions import ROOT, defaults
from tests.matrix.rendering import render
from tests.providers.servers import World, require, world

pytestmark = pytest.mark.heavy
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ASK_AGAIN_SECONDS = 31  # unknown keys make a service ask once in 30
# With PICTURES=1 the tests take the screenshots of the documentation anew.
PICTURES = ROOT / "docs" / "static"
expect.set_options(timeout=30_000)  # milliseconds: a machine may be busy


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service with both kinds of provider, where a token that was logged out is refused."""
    answers = {
        **defaults(),
        "token_revocation": "database",
        "oauth_providers": ("github", "oidc"),
    }
    scratch = tmp_path_factory.mktemp("world")
    (scratch / "page").mkdir()
    with world(render(answers, scratch / "service"), scratch / "page") as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    require("no chromium", present=CHROMIUM is not None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has been nowhere."""
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    yield context.new_page()
    context.close()


def log_in_at_provider(page: Page, name: str) -> None:
    """Fill in the provider's form, and agree."""
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", "any")
    page.click("button[type=submit]")
    page.click("button[type=submit]")


def call(page: Page) -> Locator:
    """Call a protected route from the page; return what shows its answer."""
    page.click("#call")
    return page.locator("#answer")


def log_in_on_page(page: Page, servers: World, name: str) -> None:
    """Log in from the page, and see that it worked."""
    page.goto(f"{servers.page}/index.html")
    expect(page.locator("#status")).to_have_text("logged out")
    page.click("#oidc")
    log_in_at_provider(page, name)
    expect(page.locator("#status")).to_have_text("logged in")
    # Nothing but the way back stands in the address.
    assert page.url == f"{servers.page}/index.html"


def test_a_page_logs_in_by_redirects_and_is_refused_after_its_logout(
    servers: World, page: Page
) -> None:
    log_in_on_page(page, servers, "ada")
    expect(call(page)).to_have_text("200 ada@example.com")
    page.click("#logout")
    expect(page.locator("#status")).to_have_text("logged out")
    expect(call(page)).to_have_text("401 invalid_token")
    page.reload()
    expect(page.locator("#status")).to_have_text("logged out")


def test_the_provider_may_replace_its_keys_at_any_time(servers: World, chromium: Browser) -> None:
    for name in ("before", "after"):
        context = chromium.new_context()
        page = context.new_page()
        log_in_on_page(page, servers, name)
        expect(call(page)).to_have_text(f"200 {name}@example.com")
        context.close()
        if name == "before":
            servers.rotate_keys()
            time.sleep(ASK_AGAIN_SECONDS)


def test_an_address_that_the_provider_did_not_verify_is_not_taken(
    servers: World, page: Page
) -> None:
    log_in_on_page(page, servers, "doubtful")
    expect(call(page)).to_have_text("200 no address")


def test_a_page_logs_in_with_github(servers: World, page: Page) -> None:
    page.goto(f"{servers.page}/index.html")
    page.click("#github")
    expect(page.locator("#status")).to_have_text("logged in")
    expect(call(page)).to_have_text("200 octo@example.com")


def test_the_authorize_dialog_logs_in_with_a_provider(
    servers: World, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{servers.service}/docs")
    page.click("button.authorize")
    form = page.locator(".auth-container", has_text="login_with_oidc")
    if "PICTURES" in os.environ:
        form.locator("button.authorize").scroll_into_view_if_needed()
        page.screenshot(path=PICTURES / "authorize.png")
    with page.expect_popup() as opened:
        form.locator("button.authorize").click()
    log_in_at_provider(opened.value, "grace")
    expect(form.get_by_role("heading", name="Authorized")).to_be_visible()
    page.locator(".close-modal").click()
    answered = execute(page, "GET /auth/me")
    expect(answered.locator("tbody .response-col_status")).to_have_text(re.compile("^200"))
    expect(answered).to_contain_text("grace@example.com")
    if "PICTURES" in os.environ:
        answered.screenshot(path=PICTURES / "executed.png")
    ended = execute(page, "POST /auth/logout-all")
    expect(ended.locator("tbody .response-col_status")).to_have_text(re.compile("^204"))
    refused = execute(page, "GET /auth/me")
    expect(refused.locator("tbody .response-col_status")).to_have_text(re.compile("^401"))


def execute(page: Page, route: str) -> Locator:
    """Execute an operation of the docs page; return where its live answer stands."""
    method, path = route.split()
    operation = page.locator(f".opblock-{method.lower()}", has=page.get_by_text(path, exact=True))
    if operation.locator(".try-out__btn").count() == 0:
        operation.locator(".opblock-summary").first.click()
        operation.locator(".try-out__btn").click()
    operation.locator(".execute").click()
    live = operation.locator(".live-responses-table")
    live.wait_for()
    return live
