# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Forty logins at once: others are still served, memory is bounded, and too many are told so."""

import time
from pathlib import Path

import anyio
import httpx2
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import update

from app.auth.models import Account
from app.auth.settings import OWASP_ARGON2_MEMORY_KIB, OWASP_ARGON2_PASSES
from tests.auth.support.answers import problem
from tests.auth.support.credentials import PASSWORD, Tokens, User
from tests.auth.support.plugin import StartWorkers
from tests.auth.support.workers import Workers

pytestmark = pytest.mark.slow

LOGINS = 40
QUEUE = 10
# Real cost, as in production.
ARGON2 = {"argon2_memory_kib": OWASP_ARGON2_MEMORY_KIB, "argon2_passes": OWASP_ARGON2_PASSES}
# Hashing 40 passwords side by side takes 760 MiB; one after the other takes 19.
MORE_MEMORY_KIB = 4 * OWASP_ARGON2_MEMORY_KIB


async def start(workers: StartWorkers, **settings: object) -> tuple[Workers, list[User]]:
    """Start one worker with passwords of real cost."""
    running = await workers(1, trusted_proxies="127.0.0.1/32", **ARGON2, **settings)
    hasher = Argon2Hasher(OWASP_ARGON2_PASSES, OWASP_ARGON2_MEMORY_KIB, parallelism=1)
    users = [await running.account() for _ in range(LOGINS)]
    async with running.database() as session:
        await session.execute(update(Account).values(password_hash=hasher.hash(PASSWORD)))
    return running, users


async def flood(running: Workers, users: list[User]) -> list[httpx2.Response]:
    """Log everybody in at once, each from an address of their own."""
    answers: list[httpx2.Response] = []

    async def log_in(number: int, user: User) -> None:
        form = {"username": user.email, "password": user.password}
        headers = {"X-Forwarded-For": f"198.18.4.{number + 1}"}
        answers.append(
            await running.client.post("/auth/token", data=form, headers=headers, timeout=30)
        )

    async with anyio.create_task_group() as group:
        for number, user in enumerate(users):
            group.start_soon(log_in, number, user)
    return answers


def memory_kib(process: int) -> int:
    """Return the most memory that a process ever held."""
    for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise LookupError(process)


async def ask_until(
    done: anyio.Event, running: Workers, tokens: Tokens, seconds: list[float]
) -> None:
    """Use a route that needs no password, over and over, and note how long each answer took."""
    while not done.is_set():
        started = time.perf_counter()
        response = await running.client.get("/auth/sessions", headers=tokens.bearer)
        assert response.status_code == 200, response.text
        seconds.append(time.perf_counter() - started)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
async def test_forty_logins_at_once_hold_nobody_up_and_take_little_memory(
    workers: StartWorkers,
) -> None:
    running, users = await start(workers)
    tokens = await running.login(users[0])
    before = memory_kib(running.servers[0].pid)
    seconds: list[float] = []
    done = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(ask_until, done, running, tokens, seconds)
        started = time.perf_counter()
        answers = await flood(running, users)
        flooded = time.perf_counter() - started
        done.set()
    assert [answer.status_code for answer in answers] == [200] * LOGINS
    # Hashed where requests are served, the passwords would hold one of them up for nearly all of
    # the flood.
    assert max(seconds) < flooded / 2, (max(seconds), flooded)
    assert memory_kib(running.servers[0].pid) - before < MORE_MEMORY_KIB


async def test_who_finds_the_queue_full_is_told_when_to_come_back(workers: StartWorkers) -> None:
    running, users = await start(workers, password_queue=QUEUE)
    answers = await flood(running, users)
    served = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(served) >= QUEUE
    assert len(refused) > 0
    for answer in refused:
        assert problem(answer) == (503, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    # It was a moment, not a state.
    assert (await running.login(users[0])).access_token
