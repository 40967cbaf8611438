# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A browser that logs in with a provider, and a network on which providers are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import httpx2
from starlette.types import ASGIApp

from tests.auth.support.clock import MovableClock
from tests.auth.support.credentials import SAME_ORIGIN, Tokens, tokens_of
from tests.auth.support.service import Service

RETURN_TO = "https://app.example.com/welcome"
OTHER_RETURN_TO = "https://app.example.com/settings"


@dataclass(frozen=True)
class Person:
    """Somebody who can log in at a provider."""

    subject: str
    email: str | None = None
    verified: bool = False


class StandIn(Protocol):
    """Stands where a provider stands in production."""

    name: str
    settings: Mapping[str, str]
    apps: Mapping[str, ASGIApp]
    clock: MovableClock
    # Whether a code counts once there, as it should.
    forgets_codes: bool

    def authorize(self, address: str, person: Person) -> str:
        """Let a person log in and agree; return the address that the browser is sent back to."""
        ...

    def reset(self) -> None:
        """Behave well again."""
        ...


@dataclass
class Network(httpx2.AsyncBaseTransport):
    """Leads to the stand-ins by host; an answer can be replaced, and a host can be down."""

    apps: Mapping[str, ASGIApp]
    answers: dict[str, httpx2.Response | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as the network would."""
        path = request.url.path
        self.asked.append(path)
        for end, answer in self.answers.items():
            if path.endswith(end):
                if isinstance(answer, Exception):
                    raise answer
                return _unread(answer)
        transport = httpx2.ASGITransport(self.apps[request.url.host], raise_app_exceptions=False)
        return await transport.handle_async_request(request)


def _unread(answer: httpx2.Response) -> httpx2.Response:
    """Return an answer as it arrives, however often it was read before, or is being read."""
    return httpx2.Response(answer.status_code, headers=answer.headers, stream=answer.stream)


class Browser:
    """One browser with its cookies.

    Args:
        service: what it logs in to.
        headers: sent with every request.
    """

    def __init__(self, service: Service, **headers: str) -> None:
        self.client = service.new_client(keep_cookies=True)
        self.client.headers |= headers

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies it holds now."""
        return {cookie.name: cookie.value or "" for cookie in self.client.cookies.jar}

    async def try_to_leave(self, provider: str, **query: str) -> httpx2.Response:
        """Ask for the way to a provider; return whatever the service answers."""
        return await self.client.get(f"/auth/oauth/{provider}/login", params=query)

    async def leave(self, provider: str, **query: str) -> str:
        """Start a flow; return the provider's address."""
        response = await self.try_to_leave(provider, **query)
        assert response.status_code == 303, response.text
        return str(response.headers["location"])

    async def come_back(self, address: str) -> httpx2.Response:
        """Follow the provider's redirect."""
        return await self.client.get(address)

    async def log_in(self, stand_in: StandIn, person: Person, **query: str) -> httpx2.Response:
        """Do the whole dance; return what the service answers at the end."""
        address = await self.leave(stand_in.name, **query)
        return await self.come_back(stand_in.authorize(address, person))

    async def tokens(self) -> Tokens:
        """Return an access token for the refresh cookie, as the page does that it came back to."""
        return tokens_of(await self.client.post("/auth/refresh", headers=SAME_ORIGIN))


def query_of(address: str) -> dict[str, str]:
    """Return the parameters of an address, each of which stands in it once."""
    given = parse_qs(urlsplit(address).query, strict_parsing=True)
    assert all(len(values) == 1 for values in given.values()), address
    return {name: values[0] for name, values in given.items()}


def returned(response: httpx2.Response) -> dict[str, Any]:
    """Return the parameters with which a browser was sent on to its page."""
    assert response.status_code == 303, response.text
    location = response.headers["location"]
    assert location.partition("?")[0] == RETURN_TO
    return query_of(location) if "?" in location else {}
