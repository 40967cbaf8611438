# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Strategy `redis`: a deny-list all workers share, that is rebuilt before it could be wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from sqlalchemy import event, select

from app.auth import revocation_redis
from app.auth.delivery import oldest_undelivered
from app.auth.models import Revocation
from app.auth.revocation import Denial, read_living_denials
from app.auth.revocation_memory import MemoryRevocation
from app.auth.revocation_redis import RedisRevocation
from app.auth.security import AccessClaims
from app.commands.running import setting_errors
from app.core import redis as core_redis
from app.core.clock import steady_seconds
from app.core.errors import ServiceUnavailable
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, User
from tests.auth.support.new_epoch import SHORT_TERMS, shorten_terms
from tests.auth.support.plugin import FreshService
from tests.auth.support.processes import Server
from tests.auth.support.service import Service
from tests.auth.support.settings import build_settings, settings_values

UNAVAILABLE = (503, "temporarily_unavailable")
STRICT = pytest.mark.parametrize("check", ["strict"], indirect=True)
REPLICA = pytest.mark.parametrize("check", ["replica"], indirect=True)


@pytest.fixture(params=["replica", "strict"])
def check(request: pytest.FixtureRequest) -> str:
    """How requests are checked; the answers are the same."""
    return cast(str, request.param)


@pytest.fixture
def fresh_service(
    fresh_service: FreshService, check: str, monkeypatch: pytest.MonkeyPatch
) -> FreshService:
    """Makes services that check in one of both ways, and holds a lease where that is a copy."""
    shorten_terms(monkeypatch)

    async def start(**settings: object) -> Service:
        service = await fresh_service(**({"revocation_check": check} | settings))
        if check == "replica" and service.settings.redis_url:
            await lease(service)
        return service

    return start


@pytest.fixture
async def service(fresh_service: FreshService) -> Service:
    """The service, checking in one of both ways."""
    return await fresh_service()


async def lease(service: Service) -> None:
    """Wait until the worker may answer from its copy."""
    member = deny_list(service).member
    async with asyncio.timeout(20):
        while not member.replica.may_answer(steady_seconds()):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


def deny_list(service: Service) -> RedisRevocation:
    """Return the strategy of the running app."""
    revocation = service.auth.stores.revocation
    assert isinstance(revocation, RedisRevocation)
    return revocation


def redis_of(service: Service) -> Redis:
    """Return the app's own connection to Redis."""
    return deny_list(service).client


async def ask(service: Service, tokens: Tokens) -> tuple[int, str] | None:
    """Present an access token; return None when it is accepted and the problem otherwise."""
    response = await service.client.get("/auth/sessions", headers=tokens.bearer)
    return None if response.status_code == 200 else problem(response)


async def log_out(service: Service, tokens: Tokens) -> int:
    """Log out by the refresh token, which works whatever the deny-list does."""
    body = {"refresh_token": tokens.refresh_token}
    return (await service.client.post("/auth/logout", json=body)).status_code


async def entries(service: Service) -> dict[str, int]:
    """Return every key of the deny-list with its remaining life in seconds."""
    client, prefix = redis_of(service), f"{deny_list(service).prefix}:deny:"
    keys = [key.decode() async for key in client.scan_iter(match=f"{prefix}*")]
    return {key.removeprefix(prefix): await client.ttl(key) for key in keys}


async def commands(service: Service, name: str) -> int:
    """Return how often the server was given a command."""
    statistics = await redis_of(service).info("commandstats")
    return int(statistics[f"cmdstat_{name}"]["calls"])


def read_claims(service: Service, tokens: Tokens) -> AccessClaims:
    """Return the claims of an access token, verified."""
    auth = service.auth
    return auth.verified_tokens.verify(tokens.access_token, auth.clock.now()).claims


async def undelivered(service: Service) -> int:
    """Return how many denials wait to be delivered."""
    await service.auth.delivery.marked()
    async with service.database() as session:
        waiting = await session.scalars(select(Revocation).where(Revocation.delivered_at.is_(None)))
        return len(waiting.all())


@pytest.mark.both_databases
async def test_a_logged_out_access_token_is_refused_and_no_other(
    service: Service, tokens: Tokens
) -> None:
    other = await service.login(await service.account())
    assert await log_out(service, tokens) == 204
    assert await ask(service, tokens) == INVALID_TOKEN
    assert await ask(service, other) is None


async def test_an_entry_lives_as_long_as_the_token_could_and_no_longer(
    service: Service, tokens: Tokens
) -> None:
    await log_out(service, tokens)
    life = (await entries(service))[f"sid:{tokens.claims['sid']}"]
    assert 900 + 30 <= life <= 900 + 30 + 5


async def test_a_denied_token_is_refused_and_its_siblings_are_not(
    service: Service, tokens: Tokens
) -> None:
    sibling = await service.refresh(tokens)
    now = service.clock.now()
    denial = Denial("jti", tokens.claims["jti"], 0, now + timedelta(seconds=900))
    await deny_list(service).deliver([denial])
    assert await ask(service, tokens) == INVALID_TOKEN
    assert await ask(service, sibling) is None


async def test_an_account_is_refused_below_a_version(service: Service) -> None:
    account = await service.account()
    before = await service.login(account)
    assert await ask(service, before) is None
    await service.client.post("/auth/logout-all", headers=before.bearer)
    after = await service.login(account)
    assert await ask(service, before) == INVALID_TOKEN
    assert await ask(service, after) is None


async def test_a_late_delivery_never_lowers_a_version(service: Service) -> None:
    account = await service.account()
    for _ in range(2):
        tokens = await service.login(account)
        await service.client.post("/auth/logout-all", headers=tokens.bearer)
    async with service.database() as session:
        statement = select(Revocation).where(Revocation.value == str(account.id))
        rows = sorted(await session.scalars(statement), key=lambda row: row.version)
    first = Denial("sub", str(account.id), rows[0].version, rows[0].expires_at)
    await deny_list(service).deliver([first])
    assert await ask(service, tokens) == INVALID_TOKEN


async def test_what_is_delivered_is_marked(service: Service, tokens: Tokens) -> None:
    await log_out(service, tokens)
    await service.auth.delivery.marked()
    async with service.database() as session:
        of_session = Revocation.value == tokens.claims["sid"]
        (denial,) = await session.scalars(select(Revocation).where(of_session))
    assert denial.delivered_at == service.clock.now()


async def test_all_who_ask_at_once_share_a_round_and_what_is_marked_is_not_carried_again(
    service: Service, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log_out(service, tokens)
    await service.auth.delivery.marked()
    asked, carried = list[str](), set[str]()
    deliver, engine = deny_list(service).deliver, service.auth.database.engine.sync_engine

    async def note(denials: Sequence[Denial]) -> None:
        carried.update(denial.value for denial in denials)
        await deliver(denials)

    def count(_: object, statement: str, *__: object) -> None:
        if "delivered_at IS NULL" in statement:
            asked.append(statement)

    monkeypatch.setattr(deny_list(service), "deliver", note)
    event.listen(engine, "do_execute", count)
    await asyncio.gather(*(service.auth.deliver_denials() for _ in range(10)))
    event.remove(engine, "do_execute", count)
    assert len(asked) in {1, 2}, "the background job may come between"
    assert tokens.claims["sid"] not in carried


@pytest.mark.both_databases
async def test_a_denial_that_holds_is_answered_whatever_becomes_of_its_mark(
    fresh_service: FreshService, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    engine = service.auth.database.engine.sync_engine

    def fail_to_mark(_: object, statement: str, *__: object) -> None:
        if statement.startswith("UPDATE revocation"):
            raise ConnectionResetError

    event.listen(engine, "do_execute", fail_to_mark)
    assert await log_out(service, tokens) == 204
    assert await undelivered(service) == 1
    assert "denials_not_marked" in capsys.readouterr().out
    event.remove(engine, "do_execute", fail_to_mark)
    assert await ask(service, tokens) == INVALID_TOKEN
    await service.auth.deliver_denials()  # as the background job does
    assert await undelivered(service) == 0


@STRICT
async def test_while_redis_is_away_tokens_get_503_and_a_logout_is_not_lost(
    fresh_service: FreshService, own_redis_server: Server
) -> None:
    service = await fresh_service(redis_url=own_redis_server.url)
    account = await service.account()
    tokens, other = await service.login(account), await service.login(account)
    own_redis_server.stop()
    assert await ask(service, tokens) == UNAVAILABLE
    # Neither 204, which would promise what does not hold, nor an undone logout.
    assert await log_out(service, tokens) == 503
    assert await undelivered(service) == 1
    assert problem(await service.try_refresh(tokens.refresh_token)) == INVALID_GRANT
    own_redis_server.start()
    assert await log_out(service, tokens) == 204
    assert await undelivered(service) == 0
    assert await ask(service, tokens) == INVALID_TOKEN
    assert await ask(service, other) is None


@STRICT
async def test_a_redis_that_hangs_costs_a_request_a_quarter_of_a_second(
    fresh_service: FreshService, own_redis_server: Server
) -> None:
    service = await fresh_service(redis_url=own_redis_server.url)
    tokens = await service.login(await service.account())
    assert await ask(service, tokens) is None
    own_redis_server.pause()
    started = time.monotonic()
    assert await ask(service, tokens) == UNAVAILABLE
    assert time.monotonic() - started < 1
    own_redis_server.resume()
    assert await ask(service, tokens) is None


@STRICT
async def test_a_connection_that_was_closed_a_moment_ago_is_redis_away(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service()
    user = await service.account()
    tokens = await service.login(user)

    async def write_to_closed(*_: object) -> None:
        raise RuntimeError("unable to perform operation on <UnixTransport closed=True>")  # uvloop's

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "_send_packed_command", write_to_closed)
        assert await ask(service, tokens) == UNAVAILABLE
        assert await log_out(service, tokens) == 503
        assert (await service.login(user)).access_token  # the worker counts by itself meanwhile
    await service.auth.deliver_denials()
    assert await ask(service, tokens) == INVALID_TOKEN


@REPLICA
async def test_a_worker_answers_while_redis_is_away_until_its_lease_ends(
    fresh_service: FreshService, own_redis_server: Server
) -> None:
    service = await fresh_service(redis_url=own_redis_server.url)
    account = await service.account()
    ended, living = await service.login(account), await service.login(account)
    assert await log_out(service, ended) == 204
    own_redis_server.stop()
    stopped = steady_seconds()
    answers = set[tuple[int, str] | None]()
    while steady_seconds() < stopped + SHORT_TERMS.lease + 0.2:
        assert await ask(service, ended) in {INVALID_TOKEN, UNAVAILABLE}
        answers.add(await ask(service, living))
    assert answers - {UNAVAILABLE} == {None}
    assert await ask(service, living) == UNAVAILABLE
    own_redis_server.start()
    await lease(service)
    assert (await ask(service, ended), await ask(service, living)) == (INVALID_TOKEN, None)


@REPLICA
async def test_after_redis_lost_its_memory_a_logout_waits_out_the_leases_of_before(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    tokens, other = [await service.login(await service.account()) for _ in range(2)]
    assert await log_out(service, tokens) == 204
    await cast(Awaitable[Any], redis_of(service).flushdb())
    started = steady_seconds()
    assert await log_out(service, other) == 204
    assert steady_seconds() - started >= SHORT_TERMS.remembered
    assert await ask(service, other) == INVALID_TOKEN


@STRICT
async def test_failing_open_is_an_explicit_choice(
    fresh_service: FreshService, own_redis_server: Server
) -> None:
    service = await fresh_service(redis_url=own_redis_server.url, revocation_fail_open=True)
    tokens = await service.login(await service.account())
    own_redis_server.stop()
    assert await ask(service, tokens) is None


@STRICT
async def test_a_flushed_redis_is_rebuilt_before_it_is_trusted(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    account = await service.account()
    ended, living = await service.login(account), await service.login(account)
    await log_out(service, ended)
    await cast(Awaitable[Any], redis_of(service).flushdb())
    assert await ask(service, ended) == INVALID_TOKEN
    assert await ask(service, living) is None
    assert f"sid:{ended.claims['sid']}" in await entries(service)


async def test_of_many_who_find_the_list_flushed_each_gets_the_right_answer(
    fresh_service: FreshService, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service()
    account = await service.account()
    ended, living = await service.login(account), await service.login(account)
    await log_out(service, ended)
    await cast(Awaitable[Any], redis_of(service).flushdb())
    copies = []

    async def read_slowly(*arguments: Any) -> AsyncIterator[Sequence[Denial]]:
        copies.append(1)
        await asyncio.sleep(0.1)  # so that all the others wait for this one copy
        async for denials in read_living_denials(*arguments):
            yield denials

    monkeypatch.setattr(revocation_redis, "read_living_denials", read_slowly)
    answers = await asyncio.gather(*(ask(service, each) for each in (ended, living) * 5))
    assert answers == [INVALID_TOKEN, None] * 5
    assert copies == [1] or check == "replica"  # a copy there is the follower's


async def test_whoever_asks_while_idle_connections_are_closed_gets_an_answer(
    own_redis_server: Server,
) -> None:
    client = core_redis.create_redis(own_redis_server.url)
    # A busy machine may take longer to connect fifty times than a request would wait.
    client.connection_pool.connection_kwargs |= {"socket_timeout": 2, "socket_connect_timeout": 2}

    async def ask_after(turns: int) -> bool:
        for _ in range(turns):
            await asyncio.sleep(0)
        return bool(await cast(Awaitable[Any], client.ping()))

    for _ in range(20):
        await asyncio.gather(*(ask_after(0) for _ in range(50)))
        closing = core_redis.drop_idle_connections(client)
        await asyncio.gather(closing, *(ask_after(number % 5) for number in range(50)))
    await client.aclose()


async def test_a_restarted_redis_is_rebuilt_before_it_is_trusted(
    fresh_service: FreshService, own_redis_server: Server
) -> None:
    service = await fresh_service(redis_url=own_redis_server.url)
    tokens = await service.login(await service.account())
    await log_out(service, tokens)
    own_redis_server.stop()
    own_redis_server.start()
    # A connection of before the restart may cost one request; the empty list is never believed.
    answers = [await ask(service, tokens) for _ in range(3)]
    assert set(answers) <= {UNAVAILABLE, INVALID_TOKEN}
    assert answers[-1] == INVALID_TOKEN


async def test_a_redis_with_the_epoch_of_another_server_is_rebuilt(
    fresh_service: FreshService,
) -> None:
    # A replica that was promoted, or an old snapshot: complete for its own time, not for now.
    service = await fresh_service()
    tokens = await service.login(await service.account())
    await log_out(service, tokens)
    client, prefix = redis_of(service), deny_list(service).prefix
    await client.delete(f"{prefix}:deny:sid:{tokens.claims['sid']}")
    await client.set(f"{prefix}:copy:epoch", "a-server-that-is-gone:1")
    assert await ask(service, tokens) == INVALID_TOKEN


@STRICT
async def test_a_rebuild_restores_what_is_alive_and_nothing_else(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    old = await service.login(await service.account())
    await log_out(service, old)
    service.clock.advance(seconds=900 + 30 + 5)
    recent = await service.login(await service.account())
    await log_out(service, recent)
    await cast(Awaitable[Any], redis_of(service).flushdb())
    await ask(service, recent)
    assert (await entries(service)).keys() == {f"sid:{recent.claims['sid']}"}


async def test_services_that_share_a_redis_do_not_share_denials(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    assert await entries(service) == {}
    stranger = await fresh_service(redis_url=service.settings.redis_url)
    tokens = await stranger.login(await stranger.account())
    await log_out(stranger, tokens)
    assert await entries(service) == {}


async def test_two_workers_share_what_one_of_them_was_told(fresh_service: FreshService) -> None:
    first = await fresh_service()
    shared = ("database_url", "redis_url", "redis_key_prefix")
    second = await fresh_service(**{name: getattr(first.settings, name) for name in shared})
    tokens = await first.login(await first.account())
    assert await ask(second, tokens) is None
    await log_out(first, tokens)
    assert await ask(second, tokens) == INVALID_TOKEN


async def test_a_redis_that_may_evict_denials_is_a_finding(
    fresh_service: FreshService, own_redis_server: Server
) -> None:
    service = await fresh_service(redis_url=own_redis_server.url)
    problems = service.auth.stores.problems
    assert problems is not None
    assert await problems() == []
    await redis_of(service).config_set("maxmemory-policy", "allkeys-lru")
    assert "noeviction" in (await problems())[0]


async def test_without_redis_one_process_keeps_the_list_and_finds_it_again(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service(redis_url="")
    tokens = await service.login(await service.account())
    await log_out(service, tokens)
    assert await ask(service, tokens) == INVALID_TOKEN
    restarted = await fresh_service(redis_url="", database_url=service.settings.database_url)
    assert await ask(restarted, tokens) == INVALID_TOKEN


@STRICT
async def test_a_list_that_is_flushed_while_it_is_copied_is_not_trusted(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    await service.client.post("/auth/logout", headers=tokens.bearer)
    revocation = deny_list(service)
    ledger: Any = revocation.member._ledger
    fill, flushed = ledger.fill, list[bool]()

    async def fill_and_lose(epoch: str, denials: Sequence[Denial]) -> None:
        await fill(epoch, denials)
        if not flushed:
            flushed.append(True)
            await revocation.client.flushdb()
            await ledger.open()  # as any other worker does that comes by

    monkeypatch.setattr(ledger, "fill", fill_and_lose)
    await revocation.client.flushdb()
    answers = [await service.client.get("/auth/me", headers=tokens.bearer) for _ in range(3)]
    assert flushed
    assert answers[0].status_code == 503
    assert [answer.status_code for answer in answers[1:]] == [401, 401]


async def test_a_new_process_does_not_trust_a_copy_that_others_made(
    fresh_service: FreshService,
) -> None:
    # A service that had another strategy for a while comes back to a Redis that still looks whole.
    first = await fresh_service()
    tokens = await first.login(await first.account())
    assert await ask(first, tokens) is None
    now = first.clock.now()
    async with first.database() as session:
        session.add(
            Revocation(
                kind="sid",
                value=tokens.claims["sid"],
                created_at=now,
                expires_at=now + timedelta(seconds=900),
                delivered_at=now,
            )
        )
    shared = ("database_url", "redis_url", "redis_key_prefix")
    second = await fresh_service(**{name: getattr(first.settings, name) for name in shared})
    assert await ask(second, tokens) == INVALID_TOKEN


@STRICT
async def test_checks_of_one_tick_travel_together_and_each_gets_its_own_answer(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    account = await service.account()
    several = [await service.login(account) for _ in range(6)]
    for tokens in several[::2]:
        await log_out(service, tokens)
    assert await ask(service, several[0]) == INVALID_TOKEN
    before = await commands(service, "mget")
    claims = [read_claims(service, tokens) for tokens in several]
    denied = await asyncio.gather(*map(deny_list(service).is_denied, claims))
    assert denied == [True, False] * 3
    assert await commands(service, "mget") == before + 1


async def test_an_answer_of_a_server_of_before_is_not_believed(
    fresh_service: FreshService, own_redis_server: Server
) -> None:
    # A connection that still leads to a demoted primary would tell the old one's truth.
    service = await fresh_service(redis_url=own_redis_server.url)
    ledger: Any = deny_list(service).member._ledger
    standing = await ledger.open()
    assert (await ledger.look_up(["sid:1"]))[0] == standing.epoch
    pool: Any = redis_of(service).connection_pool
    connection = await pool.get_connection()
    core_redis._run_ids[connection] = "another"
    await pool.release(connection)
    assert await ledger.look_up(["sid:1"]) == (None, [None])


@pytest.mark.parametrize(
    ("url", "private", "wanted"),
    [
        ("", False, ["REDIS_URL is missing"]),
        ("redis://:7hK2@redis/0", False, ["REDIS_URL does not ask for TLS"]),
        ("rediss://:7hK2@redis/0?ssl_cert_reqs=none", False, ["REDIS_URL does not ask for TLS"]),
        ("rediss://redis/0", False, ["REDIS_URL has no password"]),
        ("rediss://:redis@redis/0", False, ["REDIS_URL has a well-known password"]),
        ("rediss://redis/0?password=foobared", False, ["REDIS_URL has a well-known password"]),
        ("rediss://:7hK2@redis/0", False, []),
        ("redis://redis/0", True, []),
        ("redis://localhost/0", False, []),
        ("unix:///run/redis.sock", False, []),
    ],
)
def test_production_refuses_a_redis_that_others_could_read(
    url: str, private: bool, wanted: list[str]
) -> None:
    settings = build_settings(
        settings_values("postgresql+asyncpg://service@/service")
        | {"environment": "production", "redis_url": url, "stores_network_is_private": private}
    )
    found = [each for each in settings.findings() if each.startswith("REDIS_URL")]
    assert [each for each, start in zip(found, wanted, strict=True) if start not in each] == []


@pytest.mark.parametrize(
    "url", ["localhost:6379", "http://redis/0", "redis://:swordfish@redis:x/0", "swordfish"]
)
def test_an_address_of_no_redis_is_refused_by_name(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        build_settings(settings_values("sqlite+aiosqlite:///a.db") | {"redis_url": url})
    (sentence,) = setting_errors(refused.value)
    assert sentence.startswith("REDIS_URL: must be an address")
    assert "redis://, rediss:// or unix://" in sentence
    assert "swordfish" not in f"{refused.value} {sentence}"


async def test_one_process_refuses_the_denied_token_and_no_other(
    service: Service, account: User
) -> None:
    one, other = [read_claims(service, await service.login(account)) for _ in range(2)]
    memory = MemoryRevocation(service.clock)
    assert not await memory.is_denied(one)
    end = service.clock.now() + timedelta(minutes=15)
    await memory.deliver([Denial("jti", one.token_id, 0, end)])
    assert [await memory.is_denied(each) for each in (one, other)] == [True, False]
    service.clock.advance(minutes=15)
    await memory.deliver([])
    assert not await memory.is_denied(one)
    assert memory._versions == {}


async def test_the_oldest_denial_that_waits_is_one_that_is_needed_and_not_delivered(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: object) -> None:
        raise ServiceUnavailable

    monkeypatch.setattr(deny_list(service), "deliver", away)  # else the worker delivers in between
    now = service.clock.now()
    old, recent = now - timedelta(minutes=5), now - timedelta(minutes=1)
    living, expired = now + timedelta(minutes=5), now

    async def oldest() -> datetime | None:
        return await oldest_undelivered(service.auth.database, deny_list(service), now)

    for created_at, expires_at, delivered_at in (
        (old, living, old),
        (old, expired, None),
        (recent, living, None),
    ):
        assert await oldest() is None
        async with service.auth.database.transaction() as session:
            session.add(
                Revocation(
                    kind="jti",
                    value=str(created_at),
                    created_at=created_at,
                    expires_at=expires_at,
                    delivered_at=delivered_at,
                )
            )
    assert await oldest() == recent
