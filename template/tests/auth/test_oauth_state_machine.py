# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A session that a provider opened is a session like any other, whatever happens in what order.

The events of test_state_machine.py, and logins with a provider among them, each step of which may
meet another worker, come twice, or come too late.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from app.auth.identity_models import AccountIdentity
from app.auth.oauth.codes import CODE_LIFETIME
from app.auth.oauth.flow import FLOW_LIFETIME
from tests.auth.support.credentials import tokens_of
from tests.auth.support.kit import Kit
from tests.auth.support.model import Owner
from tests.auth.support.oauth import (
    ISSUERS,
    Logins,
    challenge_of,
    connect,
    make_stand_ins,
    person,
    provider_settings,
)
from tests.auth.support.oauth_browser import Person, query_of
from tests.auth.support.processes import Server
from tests.auth.support.settings import USES_REDIS
from tests.auth.support.stories import flags, pick, picks, run, workers
from tests.auth.test_state_machine import AuthMachine, drive


@dataclass
class Leaving:
    """A browser that left for the provider, or the code that it came back with."""

    owner: Owner
    verifier: str
    until: datetime
    version: int
    address: str = ""
    cookie: str = ""
    code: str = ""
    used: bool = False


class ProviderMachine(AuthMachine):
    """The service beside its model, with a provider that both owners may log in with."""

    stand_ins: ClassVar = make_stand_ins()
    own_settings: ClassVar = provider_settings(stand_ins)
    wanted: ClassVar = [*AuthMachine.wanted, "LET_IN", "TURNED_AWAY", "CODE_REFUSED"]

    def __init__(self) -> None:
        super().__init__()
        self.logins: list[Logins] = [connect(each, self.stand_ins) for each in self.services]
        self.people: dict[int, Person] = {}
        self.flows: list[Leaving] = []
        self.given: list[Leaving] = []

    @rule(owner=picks, worker=workers)
    def leave(self, owner: int, worker: int) -> None:
        """Start a login; both owners have linked the provider."""
        who, verifier = pick(self.model.owners, owner), secrets.token_urlsafe(32)
        self.link(who)
        query = {"response_type": "code", **challenge_of(verifier)}
        client = self.services[worker].new_client()
        path = f"/auth/oauth/{self.logins[0].first.name}/login"
        answer = self.send(client.get, path, params=query)
        self.require(answer, 303)
        run(client.aclose)
        cookie = answer.headers["set-cookie"].partition(";")[0]
        until = self.model.now + FLOW_LIFETIME
        address = answer.headers["location"]
        self.flows.append(Leaving(who, verifier, until, 0, address, cookie))

    def link(self, who: Owner) -> None:
        """Have an identity at the provider open an account."""
        number = self.model.owners.index(who)
        if number not in self.people:
            self.people[number] = person(verified=False)
            run(self.insert_identity, who, self.people[number])

    async def insert_identity(self, who: Owner, known: Person) -> None:
        """Insert a link; making one has tests of its own."""
        name = self.logins[0].first.name
        identity = AccountIdentity(
            id=uuid4(),
            account_id=who.user.id,
            provider=name,
            issuer=ISSUERS[name],
            subject=known.subject,
            created_at=self.model.now,
        )
        async with self.services[0].database() as session:
            session.add(identity)

    @precondition(lambda self: self.flows)
    @rule(flow=picks, worker=workers, exchanges=flags)
    def come_back(self, flow: int, worker: int, *, exchanges: bool) -> None:
        """Come back from the provider: for the first time, again, late, or disabled meanwhile."""
        left = pick(self.flows, flow)
        known = self.people[self.model.owners.index(left.owner)]
        back = urlsplit(self.logins[0].first.authorize(left.address, known))
        client = self.services[worker].new_client()
        headers = {"Cookie": left.cookie}
        answer = self.send(client.get, f"{back.path}?{back.query}", headers=headers)
        run(client.aclose)
        in_time = not left.used and self.model.now < left.until
        good = in_time and left.owner.active
        left.used |= in_time
        self.require(answer, 303 if good else 400)
        self.met["TURNED_AWAY"] += not good
        if answer.status_code == 303:
            code = query_of(answer.headers["location"])["code"]
            until = self.model.now + CODE_LIFETIME
            version = left.owner.version
            self.given.append(Leaving(left.owner, left.verifier, until, version, code=code))
            if exchanges:
                self.exchange(0, worker)

    @precondition(lambda self: self.given)
    @rule(code=picks, worker=workers)
    def exchange(self, code: int, worker: int) -> None:
        """Exchange a code: the first time, again, late, or ended meanwhile."""
        given = pick(self.given, code)
        form = {"code": given.code, "code_verifier": given.verifier}
        client = self.services[worker].new_client()
        answer = self.send(client.post, "/auth/oauth/exchange", data=form)
        run(client.aclose)
        in_time = not given.used and self.model.now < given.until
        good = in_time and given.owner.active and given.version == given.owner.version
        given.used |= in_time
        self.require(answer, 200 if good else 400)
        self.met["LET_IN" if good else "CODE_REFUSED"] += 1
        if answer.status_code == 200:
            self.model.log_in(given.owner, tokens_of(answer))

    @precondition(lambda self: self.flows)
    @rule(seconds=st.sampled_from((59, 60, 599, 600)), flow=picks, worker=workers)
    def dawdle(self, seconds: int, flow: int, worker: int) -> None:
        """Come back, or exchange, around the moment at which it is too late."""
        self.wait(seconds)
        if seconds < FLOW_LIFETIME.total_seconds() / 2 and self.given:
            self.exchange(flow, worker)
        else:
            self.come_back(flow, worker, exchanges=True)


@pytest.mark.slow
@pytest.mark.both_databases
async def test_a_login_with_a_provider_is_a_session_like_any_other(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    redis: Server | None = request.getfixturevalue("own_redis_server") if USES_REDIS else None
    await drive(kit, monkeypatch, stories=8, steps=40, redis=redis, base=ProviderMachine)
