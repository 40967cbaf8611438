# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""SECRET_KEY is replaced in three rollouts; in none of them two workers misunderstand each other.

While a rollout lasts, workers with the settings before it and after it serve the same users. So the
next key is first made known, then used, and the old one forgotten when nothing needs it any more.
"""

import pytest

from tests.auth.support.credentials import bearer, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import SECRET_KEY as OLD
from tests.auth.test_keyring import NEXT_SECRET_KEY as NEXT
from tests.auth.test_keyring import shared_with

STAGES: list[dict[str, object]] = [
    {"secret_key": OLD},
    {"secret_key": OLD, "secret_key_previous": NEXT},
    {"secret_key": NEXT, "secret_key_previous": OLD},
    {"secret_key": NEXT},
]
ROLLOUTS = ["the next key is made known", "it is used", "the old one is forgotten"]


@pytest.mark.parametrize("rollout", range(3), ids=ROLLOUTS)
async def test_workers_before_and_after_a_rollout_understand_each_other(
    fresh_service: FreshService, rollout: int
) -> None:
    first = await fresh_service(**STAGES[0])
    shared = shared_with(first)
    before = await fresh_service(**shared, **STAGES[rollout])
    if rollout == 2:
        # As the page about the rotation says: only then the old key may go.
        assert await before.auth.key_store.reseal() == 2
    after = await fresh_service(**shared, **STAGES[rollout + 1])
    for one, other in ((before, after), (after, before)):
        await _share_a_session(one, other)
        await _share_a_mail(one, other)


async def _share_a_session(one: Service, other: Service) -> None:
    tokens = await one.login(await one.account())
    accepted = await other.client.get("/auth/sessions", headers=bearer(tokens.access_token))
    assert accepted.status_code == 200
    # The answer was lost, and the repetition meets the other worker.
    lost = await one.refresh(tokens)
    again = await other.refresh(tokens)
    assert again.refresh_token == lost.refresh_token
    await one.refresh(again)


async def _share_a_mail(one: Service, other: Service) -> None:
    one.sent_mails.fails = True
    address = new_email()
    body = {"email": address, "password": "a quiet river under seven moons"}
    assert (await one.client.post("/auth/register", json=body)).status_code == 202
    await one.auth.outbox.deliver_due()
    for service in (one, other):
        service.clock.advance(minutes=3)
    one.sent_mails.fails = False
    assert len(await other.mails(address)) == 1
