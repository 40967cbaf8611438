# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Signing keys: their state follows from the clock, they rotate in time, and revoking is quick."""

from collections.abc import Sequence
from datetime import timedelta

import anyio
import pytest
from sqlalchemy import delete, select, update

from app.auth.derived_keys import DerivedKeys, UnsealError
from app.auth.key_store import KEY_LIFETIME, PUBLISH_AHEAD, SEAL_PURPOSE
from app.auth.keyring import RELOAD_EVERY
from app.auth.models import SigningKey
from app.auth.wiring import signing_algorithm
from app.core.errors import ServiceUnavailable
from tests.auth.support.answers import INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, bearer
from tests.auth.support.forging import sign
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import ALGORITHM, SECRET_KEY
from tests.auth.support.signing import REAL_RSA_BITS, make_real_key

NEXT_SECRET_KEY = "the-next-Rw8kVq2LmXz5TnYc3BhJf7PdGs"
VERIFIES_ON = timedelta(seconds=900 + 30)


async def keys_of(service: Service) -> Sequence[SigningKey]:
    """Return the signing keys as they are stored, in the order in which they sign."""
    async with service.database() as session:
        statement = select(SigningKey).order_by(SigningKey.sign_from)
        return (await session.scalars(statement)).all()


async def log_in(service: Service) -> Tokens:
    """Log in as somebody new."""
    return await service.login(await service.account())


def shared_with(service: Service) -> dict[str, object]:
    """Return the settings that make another worker of the same service."""
    names = ("database_url", "redis_url", "redis_key_prefix")
    return {
        name: getattr(service.settings, name) for name in names if hasattr(service.settings, name)
    }


async def ask(service: Service, access_token: str) -> tuple[int, str] | None:
    """Present an access token; return None when it is accepted and the problem otherwise."""
    response = await service.client.get("/auth/sessions", headers=bearer(access_token))
    return None if response.status_code == 200 else problem(response)


async def test_one_key_signs_and_the_next_one_waits(service: Service, tokens: Tokens) -> None:
    signing, waiting = await keys_of(service)
    assert tokens.header["kid"] == signing.kid
    assert signing.sign_until - signing.sign_from == KEY_LIFETIME == timedelta(days=90)
    assert waiting.sign_from == signing.sign_until
    assert signing.verify_until == signing.sign_until + VERIFIES_ON


async def test_private_parts_are_stored_encrypted(service: Service) -> None:
    another = DerivedKeys([NEXT_SECRET_KEY])
    for key in await keys_of(service):
        kid = key.kid.encode()
        private = service.auth.derived_keys.unseal(SEAL_PURPOSE, key.private_encrypted, kid)
        assert private not in key.private_encrypted
        with pytest.raises(UnsealError):
            another.unseal(SEAL_PURPOSE, key.private_encrypted, kid)
        with pytest.raises(UnsealError):  # bound to its row
            service.auth.derived_keys.unseal(SEAL_PURPOSE, key.private_encrypted, b"other")


def test_keys_are_as_strong_as_the_promise_says() -> None:
    with pytest.MonkeyPatch.context() as patch:
        if ALGORITHM == "RS256":
            patch.setattr("app.auth.signing_rs256.RSA_BITS", REAL_RSA_BITS)
        material = signing_algorithm.load(make_real_key())
    if ALGORITHM == "RS256":
        assert material.signing.key_size == 3072
        assert material.signing.public_key().public_numbers().e == 65537
    else:
        assert len(material.signing) == 32
        assert signing_algorithm.public_jwk(material) is None


async def test_the_next_key_takes_over_by_the_clock_alone(fresh_service: FreshService) -> None:
    service = await fresh_service()
    first, second = await keys_of(service)
    service.clock.advance(seconds=KEY_LIFETIME.total_seconds() - 1)
    old = await log_in(service)
    assert old.header["kid"] == first.kid
    service.clock.advance(seconds=1)
    assert (await log_in(service)).header["kid"] == second.kid
    assert await ask(service, old.access_token) is None


async def test_a_retired_key_verifies_for_one_access_lifetime_and_no_longer(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    retired = service.auth.keyring.signer()
    service.clock.advance(days=90)
    tokens = await log_in(service)

    def signed_with_the_retired_key() -> str:
        now = int(service.clock.now().timestamp())
        claims = tokens.claims | {"iat": now, "exp": now + 900}
        return sign(tokens.header | {"kid": retired.kid}, claims, retired)

    service.clock.advance(seconds=VERIFIES_ON.total_seconds() - 1)
    assert await ask(service, signed_with_the_retired_key()) is None
    service.clock.advance(seconds=1)
    assert await ask(service, signed_with_the_retired_key()) == INVALID_TOKEN


@pytest.mark.both_databases
async def test_many_workers_that_rotate_at_once_make_one_key(fresh_service: FreshService) -> None:
    service = await fresh_service()
    other = await fresh_service(database_url=service.settings.database_url)
    service.clock.advance(days=90)
    async with anyio.create_task_group() as group:
        for worker in (service, other) * 3:
            group.start_soon(worker.auth.key_store.rotate_if_due, service.clock.now())
    assert len(await keys_of(service)) == 3


async def test_a_rotation_before_its_time_waits_until_the_key_was_published_for_a_day(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    first, second = await keys_of(service)
    now = service.clock.now()
    assert await service.auth.key_store.rotate(now) == second.kid
    await service.auth.keyring.reload()
    assert (await log_in(service)).header["kid"] == first.kid
    service.clock.advance(seconds=PUBLISH_AHEAD.total_seconds())
    assert (await log_in(service)).header["kid"] == second.kid
    _, _, third = await keys_of(service)
    assert third.sign_from == now + PUBLISH_AHEAD + KEY_LIFETIME


async def test_without_a_successor_the_last_key_goes_on_signing(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    first, second = await keys_of(service)
    async with service.database() as session:
        await session.execute(delete(SigningKey).where(SigningKey.kid == second.kid))
    await service.auth.keyring.reload()
    service.clock.advance(days=200)
    tokens = await log_in(service)
    assert tokens.header["kid"] == first.kid
    assert await ask(service, tokens.access_token) is None
    assert service.auth.keyring.is_overdue()
    # The late successor is published for a day before it signs, like any other.
    await service.auth.key_store.rotate_if_due(service.clock.now())
    _, late = await keys_of(service)
    assert late.sign_from == service.clock.now() + PUBLISH_AHEAD


@pytest.mark.both_databases
async def test_a_revoked_key_is_gone_in_every_worker_and_users_recover_by_a_refresh(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    other = await fresh_service(**shared_with(service))
    tokens = await log_in(service)
    assert await ask(other, tokens.access_token) is None
    assert await service.auth.key_store.revoke(tokens.header["kid"], service.clock.now())
    for worker in (service, other):
        await worker.auth.keyring.reload()  # each worker does so every 10 seconds
        assert await ask(worker, tokens.access_token) == INVALID_TOKEN
    renewed = await service.refresh(tokens)
    assert renewed.header["kid"] != tokens.header["kid"]
    for worker in (service, other):
        assert await ask(worker, renewed.access_token) is None


def test_workers_read_the_keys_often_enough_for_an_emergency() -> None:
    assert timedelta(seconds=30) > RELOAD_EVERY


async def test_a_key_that_was_revoked_stays_revoked(fresh_service: FreshService) -> None:
    service = await fresh_service()
    first, _ = await keys_of(service)
    store, now = service.auth.key_store, service.clock.now()
    assert await store.revoke(first.kid, now)
    assert not await store.revoke(first.kid, now)
    assert not await store.revoke("unknown", now)


async def test_revoking_every_key_leaves_no_old_one_and_a_working_service(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    tokens = await log_in(service)
    before = {key.kid for key in await keys_of(service)}
    assert set(await service.auth.key_store.revoke_all(service.clock.now())) == before
    await service.auth.keyring.reload()
    assert await ask(service, tokens.access_token) == INVALID_TOKEN
    renewed = await service.refresh(tokens)
    assert renewed.header["kid"] not in before
    assert await ask(service, renewed.access_token) is None


async def test_tokens_with_made_up_kids_cost_one_reload_in_thirty_seconds(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service()
    tokens = await log_in(service)
    keyring, loads = service.auth.keyring, []

    async def count() -> None:
        loads.append(1)

    monkeypatch.setattr(keyring, "reload", count)
    unknown = sign(tokens.header | {"kid": "unknown"}, tokens.claims, keyring.signer())
    for _ in range(5):
        assert await ask(service, unknown) == INVALID_TOKEN
    assert len(loads) == 1
    service.clock.advance(seconds=30)
    assert await ask(service, unknown) == INVALID_TOKEN
    assert len(loads) == 2
    # What is no token of ours by its form costs none.
    service.clock.advance(seconds=30)
    malformed = sign(tokens.header | {"kid": "x", "typ": "JWT"}, tokens.claims, keyring.signer())
    assert await ask(service, malformed) == INVALID_TOKEN
    assert len(loads) == 2


async def test_a_key_made_by_another_worker_is_found_by_its_kid(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    tokens = await log_in(service)
    await service.auth.key_store.revoke_all(service.clock.now())
    fresh = await fresh_service(**shared_with(service))
    renewed = await fresh.refresh(tokens)
    assert await ask(service, renewed.access_token) is None


async def test_a_failed_reload_keeps_the_keys_and_refuses_the_unknown(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service()
    tokens = await log_in(service)

    async def fail() -> Sequence[object]:
        raise ServiceUnavailable

    monkeypatch.setattr(service.auth.keyring, "_load", fail)
    unknown = sign(tokens.header | {"kid": "unknown"}, tokens.claims, service.auth.keyring.signer())
    assert await ask(service, unknown) == INVALID_TOKEN
    assert await ask(service, tokens.access_token) is None
    with pytest.raises(ServiceUnavailable):
        await service.auth.keyring.reload()
    assert await ask(service, tokens.access_token) is None


async def test_a_key_of_another_algorithm_is_left_alone_and_signs_nothing(
    fresh_service: FreshService,
) -> None:
    # The answer may be switched on a live service; the rows of before stay in the table.
    service = await fresh_service()
    first, _ = await keys_of(service)
    async with service.database() as session:
        await session.execute(update(SigningKey).values(alg="ES256"))
    restarted = await fresh_service(database_url=service.settings.database_url)
    assert restarted.auth.keyring.find(first.kid) is None
    assert (await log_in(restarted)).header["kid"] != first.kid


async def test_a_replaced_secret_key_opens_the_keys_while_the_old_one_is_configured(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    url = service.settings.database_url
    both = {"secret_key": NEXT_SECRET_KEY, "secret_key_previous": SECRET_KEY}
    rotated = await fresh_service(database_url=url, **both)
    assert (await log_in(rotated)).header["kid"] == (await keys_of(service))[0].kid
    assert await rotated.auth.key_store.reseal() == 2
    alone = await fresh_service(database_url=url, secret_key=NEXT_SECRET_KEY)
    assert (await log_in(alone)).header["kid"] == (await keys_of(service))[0].kid


async def test_a_lost_secret_key_stops_the_start(fresh_service: FreshService) -> None:
    service = await fresh_service()
    with pytest.raises(UnsealError):
        await fresh_service(database_url=service.settings.database_url, secret_key=NEXT_SECRET_KEY)


async def test_a_worker_with_the_old_secret_key_loses_what_was_revoked_under_the_new_one(
    fresh_service: FreshService,
) -> None:
    # The old SECRET_KEY leaked; a worker still running with it must not believe its keys for ever.
    old = await fresh_service()
    tokens = await log_in(old)
    both = {"secret_key": NEXT_SECRET_KEY, "secret_key_previous": SECRET_KEY}
    new = await fresh_service(**shared_with(old), **both)
    await new.auth.key_store.revoke_all(new.clock.now())
    await new.auth.keyring.reload()
    renewed = await new.refresh(tokens)
    assert await ask(old, renewed.access_token) == INVALID_TOKEN  # it cannot open that key
    assert await ask(old, tokens.access_token) == INVALID_TOKEN
    assert (await old.client.get("/readyz")).status_code == 503
    assert await ask(new, renewed.access_token) is None
