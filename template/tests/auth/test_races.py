# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Many at once, over several processes: one winner, nobody logged out, nothing half done."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any
from uuid import UUID

import anyio
import httpx2
import pytest

from app.auth import administration
from app.auth.wiring import open_auth
from app.core.database import Database
from tests.auth.support.answers import INVALID_GRANT, INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, User, tokens_of
from tests.auth.support.kit import Kit
from tests.auth.support.settings import REVOKES_ACCESS_TOKENS, ROTATES
from tests.auth.support.workers import Workers, running_workers

pytestmark = pytest.mark.slow

AT_ONCE = 50
REFRESH_ROUNDS = 20
ROUNDS = 5
WORKERS = 4
NEW_PASSWORD = "marzipan-Quarry-17-violet"

Send = Callable[[], Awaitable[httpx2.Response]]
_clients = count(1)


def from_elsewhere() -> dict[str, str]:
    """Return the header of a client with an address of its own; the limits are not under test."""
    number = next(_clients)
    return {"X-Forwarded-For": f"198.18.{number // 250}.{number % 250 + 1}"}


async def at_once(*senders: Send) -> list[httpx2.Response]:
    """Send all at once and return the answers in the same order."""
    answers: list[httpx2.Response | None] = [None] * len(senders)

    async def send(place: int, sender: Send) -> None:
        answers[place] = await sender()

    async with anyio.create_task_group() as group:
        for place, sender in enumerate(senders):
            group.start_soon(send, place, sender)
    return [answer for answer in answers if answer is not None]


def post(workers: Workers, path: str, **content: Any) -> Send:
    """Return what sends a request to the next worker, again while a worker is too busy."""

    async def send() -> httpx2.Response:
        for _ in range(20):
            response = await workers.client.post(path, **content)
            if response.status_code != 503:
                return response
            assert int(response.headers["retry-after"]) >= 1
            await anyio.sleep(0.1)
        return response

    return send


def refreshing(workers: Workers, tokens: Tokens) -> Send:
    """Return what refreshes."""
    body = {"refresh_token": tokens.refresh_token}
    return post(workers, "/auth/refresh", json=body, headers=from_elsewhere())


async def alive(workers: Workers, refresh_token: str) -> bool:
    """Tell whether a refresh token still works."""
    response = await post(workers, "/auth/refresh", json={"refresh_token": refresh_token})()
    return response.status_code == 200


@pytest.fixture(scope="module")
async def running(
    module_kit: Kit, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Workers]:
    """The processes, which believe what our own address says about clients."""
    values = await module_kit.settings_values(trusted_proxies="127.0.0.1/32")
    async with running_workers(values, WORKERS, tmp_path_factory.mktemp("workers")) as workers:
        yield workers


async def test_of_fifty_refreshes_at_once_one_wins_and_nobody_is_logged_out(
    running: Workers,
) -> None:
    user = await running.account()
    for _ in range(REFRESH_ROUNDS):
        tokens = await running.login(user)
        answers = await at_once(*[refreshing(running, tokens)] * AT_ONCE)
        counted = Counter(answer.status_code for answer in answers)
        # One winner and three repetitions; whoever comes later has lost nothing.
        assert counted == ({200: 4, 409: AT_ONCE - 4} if ROTATES else {200: AT_ONCE})
        successors = {tokens_of(a).refresh_token for a in answers if a.status_code == 200}
        assert len(successors) == 1
        (kept,) = await running.sql(
            "SELECT count(*) AS tokens, max(generation) AS last FROM refresh_token"
            " JOIN auth_session ON auth_session.id = session_id"
            " WHERE session_id = :sid AND revoked_at IS NULL",
            sid=sid(running, tokens),
        )
        assert kept == ({"tokens": 2, "last": 1} if ROTATES else {"tokens": 1, "last": 0})
        assert await alive(running, successors.pop())


def sid(running: Workers, tokens: Tokens) -> object:
    """Return the id of a session as the database's driver takes it."""
    return key(running, UUID(tokens.claims["sid"]))


def key(running: Workers, row: UUID) -> object:
    """Return the id of a row as the database's driver takes it."""
    return row.hex if running.backend == "sqlite" else row


async def test_a_refresh_that_races_what_ends_its_session_brings_nothing_back(
    running: Workers,
) -> None:
    for end in (log_out, log_out_everywhere, change_password, disable, delete_account):
        for _ in range(ROUNDS):
            user = await running.account()
            tokens = await running.login(user)
            racers = [refreshing(running, tokens)] * 6
            answers = await at_once(*racers[:3], end(running, user, tokens), *racers[3:])
            ended = answers.pop(3)
            assert ended.status_code == 204, (end.__name__, ended.text)
            assert {answer.status_code for answer in answers} <= {200, 400, 409}
            for answer in answers:
                if answer.status_code == 200:
                    await require_dead(running, tokens_of(answer))
            await require_dead(running, tokens)


async def require_dead(running: Workers, tokens: Tokens) -> None:
    """Check at every worker that a pair of tokens is worth nothing any more."""
    assert not await alive(running, tokens.refresh_token)
    for client in running.clients if REVOKES_ACCESS_TOKENS else ():
        response = await client.get("/auth/sessions", headers=tokens.bearer)
        assert problem(response) == INVALID_TOKEN


def log_out(running: Workers, user: User, tokens: Tokens) -> Send:
    """Return what ends the session."""
    return post(running, "/auth/logout", json={"refresh_token": tokens.refresh_token})


def log_out_everywhere(running: Workers, user: User, tokens: Tokens) -> Send:
    """Return what ends every session."""
    return post(running, "/auth/logout-all", headers=tokens.bearer)


def change_password(running: Workers, user: User, tokens: Tokens) -> Send:
    """Return what changes the password."""
    body = {"current_password": user.password, "password": NEW_PASSWORD}
    return post(running, "/auth/password/change", json=body, headers=tokens.bearer)


def delete_account(running: Workers, user: User, tokens: Tokens) -> Send:
    """Return what deletes the account."""

    async def send() -> httpx2.Response:
        return await running.client.delete("/auth/me", headers=tokens.bearer)

    return send


def disable(running: Workers, user: User, tokens: Tokens) -> Send:
    """Return what disables the account, as the command line does, from outside all workers."""

    async def send() -> httpx2.Response:
        database = Database(running.settings.database_url, pool_size=1)
        async with open_auth(running.settings, database, running.clock) as auth:
            await administration.disable(auth, user.id)
        await database.dispose()
        return httpx2.Response(204)

    return send


async def test_a_login_that_races_a_disabling_does_not_outlive_it(running: Workers) -> None:
    for _ in range(ROUNDS):
        user = await running.account()
        tokens = await running.login(user)
        form = {"username": user.email, "password": user.password}
        logins = [
            post(running, "/auth/token", data=form, headers=from_elsewhere()) for _ in range(6)
        ]
        answers = await at_once(*logins[:3], disable(running, user, tokens), *logins[3:])
        assert answers.pop(3).status_code == 204
        for answer in answers:
            assert answer.status_code in {200, 400}
            if answer.status_code == 200:
                await require_dead(running, tokens_of(answer))
        await require_dead(running, tokens)


@pytest.mark.skipif(not ROTATES, reason="a token that works again and again is not stolen by that")
async def test_a_theft_is_seen_by_every_worker_and_told_once(running: Workers) -> None:
    user = await running.account()
    stolen = await running.login(user)
    running.clock.advance(seconds=1)
    owner = await running.refresh(stolen)
    running.clock.advance(seconds=running.settings.refresh_grace_period + 1)
    answers = await at_once(*[refreshing(running, stolen)] * 12)
    assert {problem(answer) for answer in answers} == {INVALID_GRANT}
    # Read through a connection of our own: the error took nothing back with it.
    (ended,) = await running.sql(
        "SELECT revoke_reason FROM auth_session WHERE account_id = :id", id=key(running, user.id)
    )
    assert ended["revoke_reason"] == "refresh_token_reuse"
    assert len(await running.mails(user.email)) == 1
    for tokens in (stolen, owner):
        await require_dead(running, tokens)


async def test_a_login_that_races_a_password_change_does_not_outlive_it(running: Workers) -> None:
    for _ in range(ROUNDS):
        user = await running.account()
        tokens = await running.login(user)
        form = {"username": user.email, "password": user.password}
        logins = [
            post(running, "/auth/token", data=form, headers=from_elsewhere()) for _ in range(6)
        ]
        answers = await at_once(*logins[:3], change_password(running, user, tokens), *logins[3:])
        assert answers.pop(3).status_code == 204
        for answer in answers:
            # With the old password: whoever got in before the change is out after it.
            assert answer.status_code in {200, 400}
            if answer.status_code == 200:
                await require_dead(running, tokens_of(answer))


async def test_of_many_verifications_of_one_registration_one_makes_the_account(
    running: Workers,
) -> None:
    email, password = "racer@example.com", NEW_PASSWORD
    body = {"email": email, "password": password}
    assert (await post(running, "/auth/register", json=body)()).status_code == 202
    body = {"token": await running.mailed_secret(email), "password": password}
    verify = post(running, "/auth/email/verify", json=body, headers=from_elsewhere())
    answers = await at_once(*[verify] * 20)
    assert Counter(a.status_code for a in answers) == {204: 1, 400: 19}
    rows = await running.sql("SELECT id FROM account WHERE email = :email", email=email)
    assert len(rows) == 1


async def test_of_many_resets_with_one_code_one_sets_the_password(running: Workers) -> None:
    user = await running.account()
    assert (
        await post(running, "/auth/password/forgot", json={"email": user.email})()
    ).status_code == 202
    code = await running.mailed_secret(user.email)
    passwords = [f"marzipan-Quarry-{number}-violet" for number in range(10, 22)]
    answers = await at_once(
        *(
            post(
                running,
                "/auth/password/reset",
                json={"token": code, "password": password},
                headers=from_elsewhere(),
            )
            for password in passwords
        )
    )
    assert Counter(a.status_code for a in answers) == {204: 1, 400: len(passwords) - 1}
    winner = passwords[[a.status_code for a in answers].index(204)]
    await running.login(User(user.id, user.email, winner))
    assert len(await running.mails(user.email)) == 2  # the code, and the news of the change
