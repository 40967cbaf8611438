# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The fixtures of logins with providers: one service for all tests, with stand-ins for all."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from sqlalchemy import text

from tests.auth.support.credentials import new_email
from tests.auth.support.kit import Kit
from tests.auth.support.oauth_browser import (
    OTHER_RETURN_TO,
    RETURN_TO,
    Browser,
    Network,
    Person,
    StandIn,
)
from tests.auth.support.service import Service

PROVIDERS = [name for name in ("oidc", "google", "github") if find_spec(f"app.auth.oauth.{name}")]
ISSUERS = {
    "oidc": "https://id.example.com/tenant",
    "google": "https://accounts.google.com",
    "github": "https://github.com",
}
_subjects = count(1000)


@dataclass(frozen=True)
class Logins:
    """A service with logins, and the providers on the other side of its network."""

    service: Service
    network: Network
    stand_ins: dict[str, StandIn]

    @property
    def first(self) -> StandIn:
        """Any one of the providers."""
        return next(iter(self.stand_ins.values()))

    def browser(self, **headers: str) -> Browser:
        """Return a new browser."""
        return Browser(self.service, **headers)


def person(*, email: str | None = None, verified: bool = True) -> Person:
    """Return somebody whom no other test knows."""
    return Person(str(next(_subjects)), email or new_email(), verified)


def make_stand_ins() -> dict[str, StandIn]:
    """Return a stand-in for each provider that this service has."""
    made: dict[str, StandIn] = {}
    for name in PROVIDERS:
        if name == "github":
            made[name] = import_module("tests.auth.support.github").GitHub()
        else:
            module = import_module("tests.auth.support.openid_provider")
            made[name] = module.OpenIDProvider(name, ISSUERS[name])
    return made


def challenge_of(verifier: str) -> dict[str, str]:
    """Return the parameters that bind a code to a verifier."""
    challenge = create_s256_code_challenge(verifier)
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


def connect(service: Service, stand_ins: dict[str, StandIn]) -> Logins:
    """Lead a service's requests to the stand-ins."""
    apps = {host: app for each in stand_ins.values() for host, app in each.apps.items()}
    network = Network(apps)
    service.app.state.oauth.transport.inner = network
    for each in stand_ins.values():
        each.clock = service.clock
    return Logins(service, network, stand_ins)


def provider_settings(stand_ins: dict[str, StandIn]) -> dict[str, Any]:
    """Return the settings of a service that is registered at every stand-in."""
    settings: dict[str, Any] = {"oauth_return_to": f"{RETURN_TO},{OTHER_RETURN_TO}"}
    for each in stand_ins.values():
        settings |= each.settings
    return settings


@pytest.fixture(scope="session")
async def shared_logins(sqlite_kit: Kit) -> AsyncIterator[Logins]:
    """The service that the tests of providers share."""
    stand_ins = make_stand_ins()
    async with sqlite_kit.running(**provider_settings(stand_ins)) as service:
        yield connect(service, stand_ins)


@pytest.fixture
def logins(shared_logins: Logins) -> Logins:
    """The shared service, with stand-ins that behave."""
    shared_logins.network.answers.clear()
    shared_logins.network.asked.clear()
    for stand_in in shared_logins.stand_ins.values():
        stand_in.reset()
    # What is published changed with the reset: a service keeps it for an hour.
    shared_logins.service.clock.advance(minutes=61)
    return shared_logins


@pytest.fixture(params=PROVIDERS)
def stand_in(request: pytest.FixtureRequest, logins: Logins) -> StandIn:
    """Each provider in turn."""
    return logins.stand_ins[request.param]


@pytest.fixture
async def racing_logins(kit: Kit) -> AsyncIterator[Logins]:
    """A service of its own, for what only one of several at once may do."""
    stand_ins = make_stand_ins()
    async with kit.running(**provider_settings(stand_ins)) as service:
        # Who has to connect first comes too late to race.
        async with AsyncExitStack() as connections:
            for _ in range(5):
                session = await connections.enter_async_context(service.auth.database.read())
                await session.execute(text("SELECT 1"))
        yield connect(service, stand_ins)
