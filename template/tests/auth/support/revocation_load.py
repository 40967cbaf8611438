# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""People who log in and out without pause, and who come back with tokens that were logged out."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

import httpx2

from tests.auth.support.credentials import SAME_ORIGIN, Tokens, User, tokens_of
from tests.auth.support.workers import Workers

PATH = "/probe"
PEOPLE, VISITORS = 24, 4
REMEMBERED = 2_000  # tokens of the past that visitors present
PATIENCE = 30.0  # seconds; a logout that Redis cannot carry takes 5
AGAIN_AFTER = 0.05  # seconds, when the service said 503


class RevocationLoad:
    """Revokes tokens under load, and notes every answer.

    Args:
        service: the processes.

    Attributes:
        revoked: how many logouts have answered 204.
        answers: how often a check was answered with which status.
        logouts: the same for logouts.
        wrong: every answer that breaks the promise, in words.
    """

    def __init__(self, service: Workers) -> None:
        self.revoked = 0
        self.answers: Counter[int] = Counter()
        self.logouts: Counter[int] = Counter()
        self.wrong: list[str] = []
        self._service = service
        self._past: list[Tokens] = []
        self._over = False
        self._random = random.Random(20)  # noqa: S311 - chooses workers, not secrets

    async def run(self, revocations: int, beside: Callable[[], Awaitable[None]]) -> None:
        """Revoke so many tokens while something else goes on; return when all is well again."""
        self._over = False
        people = [await self._service.account("probe:read") for _ in range(PEOPLE)]
        until = self.revoked + revocations
        async with asyncio.TaskGroup() as group:
            for _ in range(VISITORS):
                group.create_task(self._visit())
            trouble = asyncio.ensure_future(beside())
            work = [group.create_task(self._come_and_go(one, until, trouble)) for one in people]
            await asyncio.gather(trouble, *work)
            self._over = True
        await self._recover(people[0])

    async def reach(self, revocations: int) -> None:
        """Wait until so many tokens were revoked."""
        while self.revoked < revocations:  # noqa: ASYNC110 - many add to it
            await asyncio.sleep(0.01)

    async def _come_and_go(self, user: User, until: int, trouble: asyncio.Future[None]) -> None:
        device = ""
        while self.revoked < until or not trouble.done():
            response = await self._send("/auth/session", _login(user), device)
            device = device or response.cookies["__Host-device"]
            tokens = tokens_of(response)
            await self._check(tokens, living=True)
            await self._log_out(tokens)
            self.revoked += 1
            self._past = [*self._past[-REMEMBERED:], tokens]
            everywhere = [self._check(tokens, each) for each in self._service.clients]
            await asyncio.gather(*everywhere)

    async def _log_out(self, tokens: Tokens) -> None:
        body = {"refresh_token": tokens.refresh_token}
        await self._send("/auth/logout", body, count=self.logouts)

    async def _send(
        self,
        path: str,
        body: dict[str, str],
        device: str = "",
        count: Counter[int] | None = None,
    ) -> httpx2.Response:
        """Send a request until the service can judge it; each comes from another address."""
        while True:
            client = self._random.choice(self._service.clients)
            headers = {
                "X-Forwarded-For": str(IPv4Address(self._random.getrandbits(32))),
                **SAME_ORIGIN,
            }
            if device:
                headers["Cookie"] = f"__Host-device={device}"
            response = await client.post(path, json=body, headers=headers, timeout=PATIENCE)
            if count is not None:
                count[response.status_code] += 1
            if response.status_code != 503:
                response.raise_for_status()
                return response
            await asyncio.sleep(AGAIN_AFTER)

    async def _recover(self, user: User) -> None:
        """Wait until every worker accepts somebody who has just come in."""
        tokens = tokens_of(await self._send("/auth/session", _login(user)))
        async with asyncio.timeout(PATIENCE):
            for client in self._service.clients:
                while await self._check(tokens, client, living=True) != 200:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(AGAIN_AFTER)

    async def _visit(self) -> None:
        while not self._over:
            if self._past:
                await self._check(self._random.choice(self._past))
            await asyncio.sleep(0.001)

    async def _check(
        self, tokens: Tokens, client: httpx2.AsyncClient | None = None, *, living: bool = False
    ) -> int:
        """Present a token; note when the answer is neither the right one nor 503, and return it."""
        client = client or self._random.choice(self._service.clients)
        response = await client.get(PATH, headers=tokens.bearer, timeout=PATIENCE)
        status = response.status_code
        self.answers[status] += 1
        if status not in {200 if living else 401, 503}:
            self.wrong.append(f"{'living' if living else 'revoked'} token: {status}")
        return status


def _login(user: User) -> dict[str, str]:
    return {"email": user.email, "password": user.password}
