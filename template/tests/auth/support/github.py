# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""GitHub in this process or on a port: it checks PKCE, and knows people by numbers."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.auth.support.clock import MovableClock
from tests.auth.support.oauth_browser import Person, query_of


@dataclass
class GitHub:
    """GitHub with one OAuth app.

    Args:
        url: where people log in.
        api_url: where it is asked who they are.
        person: who is logged in, for those who come with a browser.
    """

    url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    person: Person = field(default_factory=lambda: Person("1"))
    codes: dict[str, tuple[Person, str, str]] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    name: str = "github"
    clock: MovableClock = field(default_factory=MovableClock)

    def __post_init__(self) -> None:
        self.client_id, self.client_secret = "client-of-github", secrets.token_urlsafe()
        routes = [
            Route("/login/oauth/authorize", self._authorize),
            Route("/login/oauth/access_token", self._token, methods=["POST"]),
            Route("/user", self._user),
            Route("/user/emails", self._emails),
        ]
        self.app = Starlette(routes=routes)
        self.apps: Mapping[str, ASGIApp] = {
            urlsplit(url).hostname or "": self.app for url in (self.url, self.api_url)
        }
        self.settings: Mapping[str, str] = {
            "github_client_id": self.client_id,
            "github_client_secret": self.client_secret,
            "github_url": self.url,
            "github_api_url": self.api_url,
        }
        self.reset()

    def reset(self) -> None:
        """Behave well again."""
        self.forgets_codes = True
        self.user: dict[str, Any] = {}
        self.addresses: list[dict[str, Any]] | None = None

    def authorize(self, address: str, person: Person) -> str:
        """Let a person log in; PKCE is required here, as it is used."""
        assert address.startswith(f"{self.url}/login/oauth/authorize?")
        asked = query_of(address)
        assert (asked["response_type"], asked["client_id"]) == ("code", self.client_id)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(10)
        self.codes[code] = (person, asked["code_challenge"], asked["redirect_uri"])
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    async def _authorize(self, request: Request) -> Response:
        address = f"{self.url}{request.url.path}?{request.url.query}"
        return RedirectResponse(self.authorize(address, self.person), 302)

    async def _token(self, request: Request) -> Response:
        # GitHub answers errors with 200.
        form = {name: str(value) for name, value in (await request.form()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            return JSONResponse({"error": "incorrect_client_credentials"})
        person, challenge, redirect_uri = self.codes.get(form["code"], (None, "", ""))
        if self.forgets_codes:
            self.codes.pop(form["code"], None)
        verifier = create_s256_code_challenge(form.get("code_verifier", ""))
        if person is None or verifier != challenge or form["redirect_uri"] != redirect_uri:
            return JSONResponse({"error": "bad_verification_code"})
        access_token = "gho_" + secrets.token_urlsafe()
        self.people[access_token] = person
        return JSONResponse({"access_token": access_token, "token_type": "bearer", "scope": ""})

    async def _user(self, request: Request) -> Response:
        person = self._person(request)
        # What stands in the profile: public, free to choose, and not verified.
        profile = {"login": f"user-{person.subject}", "email": person.email}
        return JSONResponse({"id": int(person.subject), **profile, **self.user})

    async def _emails(self, request: Request) -> Response:
        person = self._person(request)
        if self.addresses is not None:
            return JSONResponse(self.addresses)
        if person.email is None:
            return JSONResponse([])
        own = {"email": person.email, "primary": True, "verified": person.verified}
        other = {"email": f"other-{person.email}", "primary": False, "verified": True}
        return JSONResponse([{**other, "visibility": None}, {**own, "visibility": "private"}])

    def _person(self, request: Request) -> Person:
        return self.people[request.headers["authorization"].removeprefix("Bearer ")]
