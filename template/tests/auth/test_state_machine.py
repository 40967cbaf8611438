# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Whatever users, thieves and administrators do in whatever order, service and model agree.

Hypothesis makes up the orders. Every request goes to one of two workers, which share a database
and, where there is one, a Redis.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, ClassVar

import anyio
import httpx2
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from app.auth import administration
from app.auth.wiring import signing_algorithm
from tests.auth.support.credentials import PASSWORD, SAME_ORIGIN, cookie, tokens_of
from tests.auth.support.kit import Kit
from tests.auth.support.model import (
    LEEWAY,
    RESET_LIFETIME,
    Access,
    Login,
    Model,
    Outcome,
    Owner,
    RefreshToken,
)
from tests.auth.support.processes import Server
from tests.auth.support.service import Service
from tests.auth.support.settings import ROTATES, USES_REDIS
from tests.auth.support.stories import WORKERS, flags, pick, picks, run, tell, workers

PASSWORDS = (PASSWORD, "marzipan-Quarry-17-violet", "saxophone-Tundra-55-kettle")
SCOPES = ("items:read items:write", "items:read", "")
MAX_FAILED_LOGINS = 5  # below the limit, which has tests of its own
# Sums of these stand on each edge of a promise, in seconds.
SHORT_WAITS = (1, 29, 30, 31)
LONG_WAITS = (600, 899, 930, 3600, 13 * 86_400, 15 * 86_400)


OUTCOMES = [each.name for each in Outcome] if ROTATES else ["RENEWED", "REFUSED"]


class AuthMachine(RuleBasedStateMachine):
    """The service beside its model."""

    kit: Kit
    met: Counter[str]
    redis: Server | None  # one of its own, which may be restarted
    own_settings: ClassVar[dict[str, Any]] = {}
    wanted: ClassVar[list[str]] = OUTCOMES

    def __init__(self) -> None:
        super().__init__()
        self.running = AsyncExitStack()
        own = dict(self.own_settings)
        own |= {"redis_url": self.redis.url} if self.redis else {}
        first = run(self.running.enter_async_context, self.kit.running(**own))
        shared = {
            name: value
            for name, value in first.settings.model_dump().items()
            if name in {"database_url", "redis_url", "redis_key_prefix"}
        }
        others = [
            run(self.running.enter_async_context, self.kit.running(**self.own_settings, **shared))
            for _ in range(1, WORKERS)
        ]
        self.services: list[Service] = [first, *others]
        self.repeated = False
        for other in others:
            other.auth.outbox.sender = other.sent_mails = first.sent_mails
        self.model = Model(first.clock.now())
        self.codes: list[tuple[Owner, str]] = []  # every reset code that was ever mailed

    def teardown(self) -> None:
        """Compare everything once more."""
        try:
            for number, access in enumerate(self.model.accesses):
                self.check(access, number % WORKERS)
                self.check_token(access, (number + 1) % WORKERS)
        finally:
            run(self.running.aclose)

    # ------------------------------------------------------------------------------- accounts

    @initialize()
    def begin(self) -> None:
        """Begin with somebody who is logged in."""
        self.make_account(0, over_http=False)
        self.log_in(0, 0, None, in_browser=False)

    @precondition(lambda self: len(self.model.owners) < 2)
    @rule(worker=workers, over_http=st.booleans())
    def make_account(self, worker: int, *, over_http: bool) -> None:
        """Register and verify the address with the mailed secret, or be there already."""
        service = self.services[worker]
        user = run(service.register if over_http else service.account)
        self.model.owners.append(Owner(user, user.password, SCOPES[0]))

    @rule(owner=picks, worker=workers, other=st.sampled_from((None, *PASSWORDS)), in_browser=flags)
    def log_in(self, owner: int, worker: int, other: str | None, *, in_browser: bool) -> None:
        """Log in with the right password, or one that was right once or never."""
        who = pick(self.model.owners, owner)
        password = other or who.password
        good = who.active and password == who.password
        if who.failed_logins > MAX_FAILED_LOGINS and not good:
            return
        answer = self.try_login(who, password, worker, in_browser=in_browser)
        if good:
            tokens = tokens_of(answer)
            assert tokens.scope == who.scope
            self.model.log_in(who, tokens)
        else:
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
            who.failed_logins += 1

    # ------------------------------------------------------------------------- refresh tokens

    @rule(login=picks, worker=workers, times=st.integers(1, 3), lost=flags, in_browser=flags)
    def refresh(self, login: int, worker: int, times: int, *, lost: bool, in_browser: bool) -> None:
        """Present the newest token that the client has; the last answer may get lost."""
        which = self.some_login(login)
        for turn in range(times):
            newest = self.known(which)[-1]
            gets_lost = lost and turn == times - 1
            self.present(which, newest, worker, lost=gets_lost, in_browser=in_browser)

    @rule(
        login=picks, token=picks, after=st.sampled_from((0, 30, 31)), times=st.sampled_from((1, 4))
    )
    def replay(self, login: int, token: int, after: int, times: int) -> None:
        """Present any token, and a while later again and again: a thief, or a second tab."""
        which = self.some_login(login)
        again = pick(self.known(which), token if token % 2 else 0)
        self.present(which, again, 0, lost=False, in_browser=False)
        self.wait(after)
        for turn in range(times):
            self.present(which, again, turn % WORKERS, lost=False, in_browser=False)

    def some_login(self, number: int) -> Login:
        """Return a session, more often than not a living one; a user who has none logs in."""
        if number % 4 == 0:
            return pick(self.model.logins, number)
        living = [login for login in self.model.logins if self.model.alive(login)]
        for owner in self.model.owners:
            if owner.active and not living:
                tokens = tokens_of(self.try_login(owner, owner.password, 0, in_browser=False))
                living.append(self.model.log_in(owner, tokens))
        return pick(living or self.model.logins, number)

    def known(self, login: Login) -> list[RefreshToken]:
        """Return the refresh tokens of a session that reached a client, oldest first."""
        return [token for token in login.chain if not token.lost]

    def present(
        self, login: Login, token: RefreshToken, worker: int, *, lost: bool, in_browser: bool
    ) -> None:
        """Present a refresh token and compare the answer."""
        headers = cookie(token.text) if in_browser else {}
        body = None if in_browser else {"refresh_token": token.text}
        answer = self.post(worker, "/auth/refresh", json=body, headers=headers)
        outcome = self.model.refresh(login, token)
        self.require(answer, outcome.status)
        self.met[outcome.name] += 1
        if outcome not in {Outcome.RENEWED, Outcome.REPEATED}:
            return
        tokens = tokens_of(answer)
        if not ROTATES:
            assert tokens.refresh_token == token.text
        elif outcome is Outcome.RENEWED:
            assert tokens.refresh_token not in {each.text for each in login.chain}
            login.chain.append(RefreshToken(tokens.refresh_token, lost))
        else:
            successor = login.chain[login.chain.index(token) + 1]
            assert tokens.refresh_token == successor.text
            successor.lost = False
        self.model.issued(login, tokens)

    # -------------------------------------------------------------------------------- logouts

    @rule(login=picks, token=picks, worker=workers)
    def log_out_by_refresh_token(self, login: int, token: int, worker: int) -> None:
        """Log out with any refresh token of a session, used ones included."""
        which = self.some_login(login)
        body = {"refresh_token": pick(which.chain, token).text}
        assert self.post(worker, "/auth/logout", json=body).status_code == 204
        which.ended = True

    @rule(access=picks, worker=workers, everywhere=flags)
    def log_out_by_access_token(self, access: int, worker: int, *, everywhere: bool) -> None:
        """Log out with an access token, which must be good."""
        which = pick(self.model.accesses, access)
        accepted = self.model.accepts(which)
        path = "/auth/logout-all" if everywhere else "/auth/logout"
        answer = self.post(worker, path, headers=which.tokens.bearer)
        self.require(answer, 204 if accepted else 401)
        if accepted and everywhere:
            which.login.owner.refuse_all_before()
        which.login.ended |= accepted

    # ------------------------------------------------------------------------------ passwords

    @rule(access=picks, worker=workers, new=st.sampled_from(PASSWORDS))
    def change_password(self, access: int, worker: int, new: str) -> None:
        """Change a password with the current one."""
        which = pick(self.model.accesses, access)
        owner = which.login.owner
        accepted = self.model.accepts_with_account(which)
        body = {"current_password": owner.password, "password": new}
        answer = self.post(worker, "/auth/password/change", json=body, headers=which.tokens.bearer)
        self.require(answer, 204 if accepted else 401)
        if accepted:
            owner.password = new
            owner.refuse_all_before()

    @rule(owner=picks, worker=workers)
    def forget_password(self, owner: int, worker: int) -> None:
        """Ask for a code that sets a new password."""
        who = pick(self.model.owners, owner)
        if who.asked_for_mail < 2:
            who.asked_for_mail += 1
            before = run(self.services[0].mails, who.user.email)
            answer = self.post(worker, "/auth/password/forgot", json={"email": who.user.email})
            assert answer.status_code == 202
            mails = run(self.services[0].mails, who.user.email)
            assert len(mails) - len(before) == who.active
            if who.active:
                secret = run(self.services[0].mailed_secret, who.user.email)
                who.resets[secret] = self.model.now + RESET_LIFETIME
                self.codes.append((who, secret))

    @precondition(lambda self: self.codes)
    @rule(code=picks, worker=workers, new=st.sampled_from(PASSWORDS))
    def reset_password(self, code: int, worker: int, new: str) -> None:
        """Set a new password with a mailed code, perhaps a used or old one."""
        owner, secret = pick(self.codes, code)
        good = owner.active and self.model.now < owner.resets.get(secret, self.model.now)
        body = {"token": secret, "password": new}
        answer = self.post(worker, "/auth/password/reset", json=body)
        self.require(answer, 204 if good else 400)
        if good:
            owner.password = new
            owner.refuse_all_before()

    # ------------------------------------------------------------- administrators, and the world

    @rule(owner=picks, worker=workers, scope=st.sampled_from((None, *SCOPES)))
    def administer(self, owner: int, worker: int, scope: str | None) -> None:
        """Disable an account or enable it again, or change what it may do."""
        who = pick(self.model.owners, owner)
        auth = self.services[worker].auth
        if scope is None:
            change = administration.disable if who.active else administration.enable
            run(change, auth, who.user.id)
            if who.active:
                who.refuse_all_before()
            who.active = not who.active
            self.log_in(owner, worker, None, in_browser=False)
            return
        run(
            administration.set_scope,
            auth,
            run(administration.find_account, auth, who.user.email),
            scope,
        )
        if not set(who.scope.split()) <= set(scope.split()):
            who.refuse_all_before()
        who.scope = scope

    @rule(access=picks, worker=workers, revoke=flags)
    def change_keys(self, access: int, worker: int, *, revoke: bool) -> None:
        """Rotate the keys, which nobody notices; or revoke one, from which a refresh recovers."""
        store, which = self.services[worker].auth.key_store, pick(self.model.accesses, access)
        if revoke:
            run(store.revoke, which.kid, self.model.now)
            self.model.revoked_kids.add(which.kid)
        else:
            run(store.rotate, self.model.now)
        for service in self.services:  # as each does every 10 seconds
            run(service.auth.keyring.reload)
        self.check_token(which, worker)

    @precondition(lambda self: USES_REDIS)
    @rule(worker=workers)
    def flush_redis(self, worker: int) -> None:
        """Empty Redis; what was denied stays denied."""
        revocation: Any = self.services[worker].auth.stores.revocation
        run(revocation.client.flushdb)

    @precondition(lambda self: self.redis is not None)
    @rule()
    def restart_redis(self) -> None:
        """Kill Redis and start it again, which has forgotten everything then."""
        assert self.redis is not None
        self.redis.kill()
        self.redis.start()

    @rule(seconds=st.sampled_from(SHORT_WAITS))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.model.now += timedelta(seconds=seconds)
        for service in self.services:
            service.clock.advance(seconds=seconds)

    @rule(seconds=st.sampled_from(LONG_WAITS), login=picks, worker=workers)
    def come_back_late(self, seconds: int, login: int, worker: int) -> None:
        """Let so much time pass that tokens and sessions expire, then refresh."""
        which = self.some_login(login)
        self.wait(seconds)
        self.present(which, self.known(which)[-1], worker, lost=False, in_browser=False)

    @rule(access=picks, worker=workers)
    def ask(self, access: int, worker: int) -> None:
        """Present any access token there ever was."""
        self.check(pick(self.model.accesses, access), worker)

    @rule(access=picks, worker=workers)
    def use_to_its_last_second(self, access: int, worker: int) -> None:
        """Present an access token, one that is good if there is any, until it ends and once more.

        By then the worker has seen its signature hold; that must be worth nothing any more.
        """
        good = [each for each in self.model.accesses if self.model.accepts(each)]
        which = pick(good or self.model.accesses, access)
        left = which.expires_at + LEEWAY - self.model.now
        self.check_token(which, worker)
        for seconds in (max(0, int(left.total_seconds()) - 1), 1):
            self.wait(seconds)
            self.check_token(which, worker)

    @invariant()
    def judge_the_newest_token(self) -> None:
        """Whatever happened last, every worker says the same of the token that was issued last."""
        for worker in range(WORKERS if self.model.accesses else 0):
            self.check_token(self.model.accesses[-1], worker)

    # ---------------------------------------------------------------------------------- tools

    def check_token(self, access: Access, worker: int) -> httpx2.Response:
        """Compare what service and model say about an access token."""
        client, headers = self.services[worker].client, access.tokens.bearer
        answer = self.send(client.get, "/auth/sessions", headers=headers)
        assert answer.status_code == (200 if self.model.accepts(access) else 401), answer.text
        return answer

    def check(self, access: Access, worker: int) -> None:
        """Compare an access token, what it lists, and a route that loads the account."""
        answer = self.check_token(access, worker)
        if answer.status_code == 200:
            alive = {s.id for s in access.login.owner.sessions if self.model.alive(s)}
            assert {row["id"] for row in answer.json()} == alive
        client, headers = self.services[worker].client, access.tokens.bearer
        answer = self.send(client.get, "/auth/me", headers=headers)
        wanted = 200 if self.model.accepts_with_account(access) else 401
        assert answer.status_code == wanted, answer.text

    def post(self, worker: int, path: str, **content: Any) -> httpx2.Response:
        """Send a request to one worker; return the answer."""
        return self.send(self.services[worker].client.post, path, **content)

    def send(
        self, method: Callable[..., Awaitable[httpx2.Response]], path: str, **content: Any
    ) -> httpx2.Response:
        """Send a request, again as long as the service asks for that (a loaded machine)."""
        self.repeated = False
        for _ in range(20):
            answer = run(method, path, **content)
            if answer.status_code != 503:
                break
            self.repeated = True
            run(anyio.sleep, 0.05)
        return answer

    def require(self, answer: httpx2.Response, wanted: int) -> None:
        """Check a status; a repetition may find that the first time had its effect after all."""
        wanted_ones = {wanted, 400, 401} if self.repeated else {wanted}
        assert answer.status_code in wanted_ones, answer.text

    def try_login(
        self, who: Owner, password: str, worker: int, *, in_browser: bool
    ) -> httpx2.Response:
        """Send a login, from an address of its own so that no limit meets it."""
        client = self.services[worker].new_client()
        if in_browser:
            body = {"email": who.user.email, "password": password}
            response = self.send(client.post, "/auth/session", json=body, headers=SAME_ORIGIN)
        else:
            form = {"username": who.user.email, "password": password}
            response = self.send(client.post, "/auth/token", data=form)
        run(client.aclose)
        return response


async def drive(
    kit: Kit,
    monkeypatch: pytest.MonkeyPatch,
    stories: int,
    steps: int,
    redis: Server | None = None,
    base: type[AuthMachine] = AuthMachine,
) -> None:
    """Let Hypothesis look for an order of events in which service and model disagree.

    Args:
        kit: makes the services.
        monkeypatch: takes the making of keys out of the time.
        stories: how many to tell in one chapter; every answer to a refresh token must come up.
        steps: how long a story may be.
        redis: a server that may be restarted.
        base: the events, and what must come up of them.
    """
    material = signing_algorithm.generate()  # an RSA key takes a second, and its kid is what counts
    monkeypatch.setattr(type(signing_algorithm), "generate", lambda self: material)
    if USES_REDIS:  # which is flushed here, and each time a logout waits out what was before
        from tests.auth.support.new_epoch import shorten_terms

        shorten_terms(monkeypatch)
    met = Counter[str]()
    machine = type("Machine", (base,), {"kit": kit, "met": met, "redis": redis})
    await tell(machine, stories, steps, met, base.wanted)


async def test_service_and_model_agree(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    await drive(kit, monkeypatch, stories=8, steps=20)


@pytest.mark.slow
@pytest.mark.both_databases
async def test_service_and_model_agree_on_long_stories(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    redis: Server | None = request.getfixturevalue("own_redis_server") if USES_REDIS else None
    await drive(kit, monkeypatch, stories=8, steps=40, redis=redis)
