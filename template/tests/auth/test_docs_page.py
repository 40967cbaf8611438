# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The documentation page works under a strict policy, from this service's own files."""

import re
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.auth.support.core_app import core_client

PRODUCTION = {
    "environment": "production",
    "database_url": "postgresql+asyncpg://service@/service?host=/run/postgresql",
    "smtp_host": "mail.example.com",
    "mail_from": "service@example.com",
}


class Page(HTMLParser):
    """Collects what a page loads, and what it should not have."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self._element = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._element = tag
        for name, value in attrs:
            if name == "src" or (tag == "link" and name == "href"):
                self.loaded.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{name} of {tag}")

    def handle_endtag(self, tag: str) -> None:
        self._element = ""

    def handle_data(self, data: str) -> None:
        if self._element in {"script", "style"} and data.strip():
            self.inline.append(data)


async def test_the_page_has_nothing_inline_and_loads_from_this_service_only(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        response = await client.get("/docs")
        page = Page(response.text)
        assets = [await client.get(path) for path in page.loaded]
    assert page.inline == []
    # The icon, the style sheet and two scripts; a third where one can log in with providers.
    assert len(page.loaded) == (5 if find_spec("app.auth.oauth") else 4)
    assert all(path.startswith("/docs/assets/") for path in page.loaded)
    assert {asset.status_code for asset in assets} == {200}


async def test_the_policy_allows_own_scripts_and_styles_and_nothing_inline(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        (policy,) = (await client.get("/docs")).headers.get_list("content-security-policy")
    assert dict(directive.split(" ", 1) for directive in policy.split("; ")) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


async def test_the_title_is_text_and_not_markup(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        assert "<title>Core &lt;test&gt;</title>" in (await client.get("/docs")).text


async def test_the_page_finds_the_description_of_the_service(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        page = (await client.get("/docs")).text
        (path,) = re.findall('data-openapi-url="([^"]*)"', page)
        description = await client.get(path)
    assert "/core/thing" in description.json()["paths"]


async def test_the_page_keeps_no_token_and_asks_no_validator(tmp_path: Path) -> None:
    async with core_client(tmp_path) as client:
        script = (await client.get("/docs/assets/init.js")).text
    assert "persistAuthorization: false" in script
    assert "validatorUrl: null" in script


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/assets/init.js"])
async def test_in_production_there_is_no_documentation_unless_asked_for(
    tmp_path: Path, path: str
) -> None:
    async with core_client(tmp_path, **PRODUCTION) as client:
        assert (await client.get(path)).status_code == 404
    async with core_client(tmp_path, **PRODUCTION, docs_enabled=True) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect"])
async def test_fastapis_own_pages_with_inline_scripts_are_not_there(
    tmp_path: Path, path: str
) -> None:
    async with core_client(tmp_path) as client:
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path", ["../docs_page.py", "%2e%2e/%2e%2e/docs_page.py", "..%2f..%2fdocs_page.py"]
)
async def test_the_assets_are_all_that_is_served(tmp_path: Path, path: str) -> None:
    async with core_client(tmp_path) as client:
        assert (await client.get(f"/docs/assets/{path}")).status_code == 404
