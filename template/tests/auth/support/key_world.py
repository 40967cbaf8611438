# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Two workers beside the model of their API keys, and the comparison of what both say."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis.stateful import RuleBasedStateMachine

from tests.auth.support.api_keys import Key, probed, use
from tests.auth.support.key_model import HeldKey, Holder, Scopes
from tests.auth.support.kit import Kit
from tests.auth.support.service import Service
from tests.auth.support.stories import WORKERS, pick, run

NEEDS = {"probe:read": "/probe/read", "probe:write": "/probe/write"}
RECENT = timedelta(minutes=9)  # a login that may make keys
SECOND = timedelta(seconds=1)
# What only a rotation ended: without such a key, nothing says that the overlap ends.
ENDED_BY_ROTATION = "ended by its rotation"


@asynccontextmanager
async def two_workers(
    kit: Kit, patch: pytest.MonkeyPatch, **settings: object
) -> AsyncIterator[Sequence[Service]]:
    """Run workers that share everything but their memory, with the probe's routes."""
    async with AsyncExitStack() as running:
        first = await running.enter_async_context(probed(kit, patch, **settings))
        names = {"database_url", "redis_url", "redis_key_prefix"}
        shared = settings | {
            n: value for n, value in first.settings.model_dump().items() if n in names
        }
        services = [first]
        for _ in range(1, WORKERS):
            services.append(await running.enter_async_context(probed(kit, patch, **shared)))
            services[-1].auth.outbox.sender = services[-1].sent_mails = first.sent_mails
        yield services


class KeyWorld(RuleBasedStateMachine):
    """The service beside its model."""

    services: Sequence[Service]  # the same for all stories, each of which has accounts of its own
    met: Counter[str]
    losses_seen_by: Collection[int] = ()  # the workers that hear of them before the answer

    def __init__(self) -> None:
        super().__init__()
        self.holders: list[Holder] = []
        self.keys: list[HeldKey] = []
        for service in self.services:
            run(service.client.aclose)
            service.client = service.new_client()  # with limits of its own

    def teardown(self) -> None:
        """Ask about everything: now, when all is noticed, and around the end of each key."""
        for seconds in (0, 30):
            self.wait(seconds)
            for key in self.keys:
                self.judge(key)
        for key in sorted(self.keys, key=lambda key: key.expires_at):
            for moment in (key.expires_at - SECOND, key.expires_at):
                self.wait(max(0, int((moment - self.now).total_seconds())))
                self.judge(key)

    @property
    def now(self) -> datetime:
        """The time, everywhere."""
        return self.services[0].clock.now()

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        for service in self.services:
            service.clock.advance(seconds=seconds)

    # --------------------------------------------------------------------------------- owners

    def can_act(self, who: Holder, worker: int) -> bool:
        """Tell whether an owner can do something at a worker; they log in where they have to."""
        owner = who.owner
        owner.service = self.services[worker]
        if who.active and (who.logged_in_at is None or self.now > who.logged_in_at + RECENT):
            run(owner.log_in_again)
            who.logged_in_at = self.now
        return who.active

    def post(self, worker: int, path: str, body: dict[str, str], who: Holder | None = None) -> None:
        """Send a request, which has to succeed."""
        headers = who.owner.tokens.bearer if who else {}
        answer = run(self.services[worker].client.post, path, json=body, headers=headers)
        assert answer.status_code in {202, 204}, answer.text

    def has_password(self, who: Holder, password: str) -> None:
        """Note a new password, which ends every login."""
        who.passwords += 1
        who.owner.user = replace(who.owner.user, password=password)
        who.logged_in_at = None

    # ----------------------------------------------------------------------------------- keys

    def some_key(self, number: int, *, rotated: bool = True) -> HeldKey:
        """Return a key, more often than not a living one; or one that was not rotated either."""
        living = [
            key for key in self.keys if not key.ended(self.now) and (rotated or not key.rotated)
        ]
        return pick(self.keys if number % 4 == 0 else living or self.keys, number)

    def make_held(self, key: Key, who: Holder, scope: Scopes, lifetime: timedelta) -> HeldKey:
        """Note a key that is made now."""
        held = HeldKey(key, who, scope, lifetime, self.now)
        self.keys.append(held)
        who.keys.append(held)
        return held

    def prepare(self, after: int, keys: list[HeldKey]) -> None:
        """Let time pass; or none, and have keys in every worker's memory."""
        self.wait(after)
        for key in [] if after else keys:
            self.judge(key)

    def end_all(self, who: Holder, worker: int) -> None:
        """Note that an owner's keys ended for good."""
        who.logged_in_at = None
        for key in who.keys:
            key.revoked = True
        self.changed(worker, who.keys)

    def changed(self, worker: int, keys: list[HeldKey]) -> None:
        """Note that a worker changed keys, and see which ones know."""
        for key in keys:
            key.changed(worker, self.now, self.losses_seen_by)
            self.judge(key)

    def judge(self, key: HeldKey, *workers: int) -> None:
        """Compare what workers say of a key: these, or all."""
        for worker in workers or range(WORKERS):
            for need in NEEDS:
                self.check(key, worker, need)

    def check(self, key: HeldKey, worker: int, need: str) -> None:
        """Compare what service and model say of a key; where there is a choice, note which."""
        may = key.answers(worker, need, self.now)
        status = run(use, self.services[worker].client, key.key, NEEDS[need])
        assert status in may, f"{status} at worker {worker} for {need}, not {may}: {key}"
        key.answered(worker, need, status)
        first = "as before" if status == may[0] else "as now"
        self.met[str(status) if len(may) == 1 else first] += 1
        self.met[ENDED_BY_ROTATION] += key.ended_by_rotation(self.now)
