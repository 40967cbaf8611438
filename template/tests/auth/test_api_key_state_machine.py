# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Whatever happens to API keys and their owners in whatever order, service and model agree.

Hypothesis makes up the orders. Every request goes to one of two workers, which share a database
and, where there is one, a Redis; nobody tells a worker what the other one did to a key, unless it
keeps a copy of the deny-list (test_api_key_lease.py).
"""

from collections import Counter
from collections.abc import Collection
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from app.auth import administration, api_key_service
from app.auth.api_key_format import make_key
from tests.auth.support import probe
from tests.auth.support.answers import problem
from tests.auth.support.api_keys import Key, Owner, key_of, use
from tests.auth.support.key_model import DEFAULT_DAYS, OVERLAP, Holder
from tests.auth.support.key_world import ENDED_BY_ROTATION, KeyWorld, two_workers
from tests.auth.support.kit import Kit
from tests.auth.support.stories import WORKERS, flags, pick, picks, run, tell, workers

SCOPES = (probe.ALL, "probe:read", "")
PASSWORDS = ("marzipan-Quarry-17-violet", "saxophone-Tundra-55-kettle")
# Sums of these stand on each edge of a promise, in seconds.
WAITS = (1, 1, 4, 6, 29, 29, 31, 86_399, 86_400, 90 * 86_400)
IDLE = st.sampled_from((0, 31))  # with nothing in memory any more, or with everything
# Below the limits, which have tests of their own.
MOST_MADE, MOST_PASSWORDS, MOST_MAILS = 18, 8, 2
# What has to come up: an answer that had to be so, and a key that nothing but its rotation ended;
# and where workers may be late, both answers of a late one.
OUTCOMES = ("200", "401", "403", ENDED_BY_ROTATION)
LATE = ("as before", "as now")


class KeyMachine(KeyWorld):
    """What may happen."""

    # ----------------------------------------------------------------------------------- keys

    @initialize()
    def begin(self) -> None:
        """Begin with somebody who holds a key."""
        self.make_account()
        self.make(0, 0, probe.ALL, None, None)

    @precondition(lambda self: sum(not holder.deleted for holder in self.holders) < 2)
    @rule()
    def make_account(self) -> None:
        """Be there."""
        owner = run(Owner.on, self.services[0])
        self.holders.append(Holder(owner, frozenset(probe.ALL.split()), logged_in_at=self.now))

    @rule(
        holder=picks,
        worker=workers,
        scope=st.sampled_from(SCOPES),
        days=st.sampled_from((None, 1, 2)),
        early=st.sampled_from((None, 0, 1)),
    )
    def make(
        self, holder: int, worker: int, scope: str, days: int | None, early: int | None
    ) -> None:
        """Make a key with all or some scopes; a worker may have been asked for it too early."""
        who, wanted = pick(self.holders, holder), frozenset(scope.split())
        if not self.can_act(who, worker) or who.made == MOST_MADE:
            return
        made = make_key("user")
        key = Key(made[1].id, made[0])
        if early is not None:
            assert run(use, self.services[early].client, key) == 401
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(api_key_service, "make_key", lambda kind: made)
            body = {} if days is None else {"expires_in_days": days}
            answer = run(who.owner.try_make, scope, **body)
        who.made += 1
        if not wanted <= who.scope:
            assert problem(answer) == (400, "invalid_scope")
            return
        assert key_of(answer) == key
        held = self.make_held(key, who, wanted, timedelta(days or DEFAULT_DAYS))
        held.asked_early = {} if early is None else {early: self.now}

    @rule(key=picks, everywhere=flags, worker=workers)
    def ask(self, key: int, worker: int, *, everywhere: bool) -> None:
        """Present any key there ever was."""
        self.judge(pick(self.keys, key), *(range(WORKERS) if everywhere else [worker]))

    @rule(key=picks, worker=workers, after=IDLE)
    def revoke(self, key: int, worker: int, after: int) -> None:
        """Revoke a key, perhaps an ended one, which may be deleted by now."""
        held = self.some_key(key)
        self.prepare(after, [held])
        if self.can_act(held.holder, worker):
            wanted = {204, 404} if held.ended(self.now) else {204}
            assert run(held.holder.owner.revoke, held.key).status_code in wanted
            held.revoked = True
            self.changed(worker, [held])

    @rule(key=picks, worker=workers)
    def rotate(self, key: int, worker: int) -> None:
        """Make a successor; the old key goes on for a day, and gets no second one."""
        held = self.some_key(key, rotated=False)
        who = held.holder
        if not self.can_act(who, worker) or who.made == MOST_MADE:
            return
        answer = run(who.owner.try_rotate, held.key)
        who.made += 1
        if held.rotated or held.ended(self.now):
            assert answer.status_code in {404, 409}, answer.text
            return
        scope = held.scope & who.scope  # what was taken away does not come back by rotating
        self.make_held(key_of(answer), who, scope, held.lifetime)
        held.rotated = True
        held.expires_at = min(held.expires_at, self.now + OVERLAP)
        self.changed(worker, [held])

    # --------------------------------------------------------------------------------- owners

    @rule(holder=picks, worker=workers)
    def disable_or_enable(self, holder: int, worker: int) -> None:
        """Disable an account, which ends its keys for good, or enable it again."""
        who, auth = pick(self.holders, holder), self.services[worker].auth
        if who.deleted:
            return
        if not who.active:
            run(administration.enable, auth, who.owner.user.id)
            who.active = True
            self.make(holder, worker, probe.ALL, None, None)
            return
        run(administration.disable, auth, who.owner.user.id)
        who.active = False
        self.end_all(who, worker)

    @rule(holder=picks, worker=workers, scope=st.sampled_from(SCOPES), after=IDLE)
    def set_scope(self, holder: int, worker: int, scope: str, after: int) -> None:
        """Take scopes from an owner, or give them back: no key gets more than it was made with."""
        who, auth = pick(self.holders, holder), self.services[worker].auth
        if all(key.ended(self.now) for key in who.keys):
            self.make(holder, worker, probe.ALL, None, None)
        self.prepare(after, who.keys)
        if not who.deleted:
            account = run(administration.find_account, auth, who.owner.user.email)
            run(administration.set_scope, auth, account, scope)
            who.scope, who.logged_in_at = frozenset(scope.split()), None
            self.changed(worker, who.keys)

    @rule(holder=picks, worker=workers)
    def change_password(self, holder: int, worker: int) -> None:
        """Change the password: keys go on."""
        who = pick(self.holders, holder)
        if self.can_act(who, worker) and who.passwords < MOST_PASSWORDS:
            password = PASSWORDS[who.passwords % 2]
            body = {"current_password": who.owner.user.password, "password": password}
            self.post(worker, "/auth/password/change", body, who)
            self.has_password(who, password)

    @rule(holder=picks, worker=workers)
    def reset_password(self, holder: int, worker: int) -> None:
        """Set a new password with a mailed code: whoever had the account loses its keys."""
        who = pick(self.holders, holder)
        email = who.owner.user.email
        if who.active and who.passwords < MOST_PASSWORDS and who.asked_for_mail < MOST_MAILS:
            who.asked_for_mail += 1
            run(self.services[0].mails, email)  # those about keys, so that the code's is the last
            self.post(worker, "/auth/password/forgot", {"email": email})
            code = run(self.services[0].mailed_secret, email)
            password = PASSWORDS[who.passwords % 2]
            self.post(worker, "/auth/password/reset", {"token": code, "password": password})
            self.has_password(who, password)
            self.end_all(who, worker)

    @precondition(lambda self: len(self.holders) == 2)
    @rule(holder=picks, worker=workers)
    def delete(self, holder: int, worker: int) -> None:
        """Delete an account."""
        who = pick(self.holders, holder)
        if self.can_act(who, worker):
            headers = who.owner.tokens.bearer
            answer = run(self.services[worker].client.delete, "/auth/me", headers=headers)
            assert answer.status_code == 204
            who.active, who.deleted = False, True
            self.end_all(who, worker)

    @rule(seconds=st.sampled_from(WAITS))
    def let_time_pass(self, seconds: int) -> None:
        """Let time pass, perhaps so much that keys expire and somebody needs a new one."""
        self.wait(seconds)
        if seconds > 86_400:
            self.make(seconds, 0, probe.ALL, None, None)


async def drive(
    kit: Kit,
    patch: pytest.MonkeyPatch,
    stories: int,
    steps: int,
    losses_seen_by: Collection[int] = (),
    **settings: object,
) -> None:
    """Let Hypothesis look for an order of events in which service and model disagree."""
    met = Counter[str]()
    async with two_workers(kit, patch, **settings) as services:
        own = {"services": services, "met": met, "losses_seen_by": losses_seen_by}
        machine = type("Machine", (KeyMachine,), own)
        await tell(machine, stories, steps, met, OUTCOMES + (() if losses_seen_by else LATE))


async def test_keys_and_model_agree(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    await drive(kit, monkeypatch, stories=6, steps=25)


@pytest.mark.slow
@pytest.mark.both_databases
async def test_keys_and_model_agree_on_long_stories(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drive(kit, monkeypatch, stories=12, steps=40)
