# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Two that change one account at once wait for each other in one order, and never for ever.

On PostgreSQL, where each row has a lock of its own: rows are held until both transactions stand
where they would meet. Locks in another order are a deadlock then, which costs one of them a 503.
"""

import anyio
import httpx2
import pytest
from sqlalchemy import text

from tests.auth.support.credentials import PASSWORD, User, new_email
from tests.auth.support.mails import secret_in
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

NEW_PASSWORDS = ("velvet-Harbor-31-quince", "marzipan-Quarry-17-violet")
WAITING = "SELECT count(*) AS number FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM"
WAITING += " pg_stat_activity WHERE datname = current_database())"
PATIENCE = 20.0  # seconds; a loaded machine


@pytest.fixture
def database_backend() -> str:
    """Locks on rows are PostgreSQL's."""
    return "postgres"


@pytest.fixture
async def service(fresh_service: FreshService) -> Service:
    """A service of this test alone, whose waiting transactions can be counted."""
    return await fresh_service()


# Method, path, body, headers.
Request = tuple[str, str, dict[str, str] | None, dict[str, str]]


class Racers:
    """Requests that are let go one after the other, each once those before it are waiting."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.answers: list[httpx2.Response] = []

    async def send(self, request: Request) -> None:
        """Send a request and keep its answer."""
        method, path, body, headers = request
        client = self.service.new_client()
        self.answers.append(await client.request(method, path, json=body, headers=headers))

    async def until_waiting(self, number: int) -> None:
        """Wait until so many transactions wait for a lock."""
        with anyio.fail_after(PATIENCE):
            while (await self.service.sql(WAITING))[0]["number"] < number:  # noqa: ASYNC110 - no event
                await anyio.sleep(0.02)


async def race(service: Service, table: str, *requests: Request) -> list[int]:
    """Send requests in this order while a table's rows are held, let go, return the statuses."""
    racers = Racers(service)
    async with anyio.create_task_group() as group, service.database() as session:
        await session.execute(text(f"SELECT * FROM {table} FOR UPDATE"))  # noqa: S608 - ours
        for number, request in enumerate(requests, start=1):
            group.start_soon(racers.send, request)
            await racers.until_waiting(number)
    return sorted(answer.status_code for answer in racers.answers)


async def reset_codes(service: Service, user: User) -> list[str]:
    """Return two codes that each set a new password."""
    for _ in range(2):
        body = {"email": user.email}
        assert (await service.client.post("/auth/password/forgot", json=body)).status_code == 202
    return [secret_in(mail) for mail in await service.mails(user.email)]


def reset(code: str, password: str) -> Request:
    """Return the request that sets a password with a code."""
    return "POST", "/auth/password/reset", {"token": code, "password": password}, {}


def verify(code: str) -> Request:
    """Return the request that proves an address with a code."""
    return "POST", "/auth/email/verify", {"token": code, "password": PASSWORD}, {}


async def test_two_registrations_of_one_address_may_be_verified_at_once(service: Service) -> None:
    email = new_email()
    body = {"email": email, "password": PASSWORD}
    for _ in range(2):
        assert (await service.client.post("/auth/register", json=body)).status_code == 202
    codes = [secret_in(mail) for mail in await service.mails(email)]
    requests = [verify(code) for code in codes]
    assert await race(service, "pending_registration", *requests) == [204, 400]
    assert len(await service.sql("SELECT id FROM account WHERE email = :email", email=email)) == 1


async def test_two_codes_of_one_account_may_set_a_password_at_once(service: Service) -> None:
    codes = await reset_codes(service, await service.account())
    requests = [reset(*each) for each in zip(codes, NEW_PASSWORDS, strict=True)]
    assert await race(service, "single_use_secret", *requests) == [204, 400]


async def test_a_reset_may_meet_a_password_change(service: Service) -> None:
    user = await service.account()
    tokens = await service.login(user)
    code = (await reset_codes(service, user))[0]
    body = {"current_password": user.password, "password": NEW_PASSWORDS[0]}
    change = ("POST", "/auth/password/change", body, tokens.bearer)
    statuses = await race(service, "single_use_secret", reset(code, NEW_PASSWORDS[1]), change)
    assert statuses == [204, 400]


async def test_two_changes_of_address_may_be_confirmed_at_once(service: Service) -> None:
    tokens = await service.login(await service.account())
    requests: list[Request] = []
    for _ in range(2):
        email = new_email()
        body = {"email": email}
        await service.client.post("/auth/email/change", json=body, headers=tokens.bearer)
        requests.append(verify(await service.mailed_secret(email)))
    assert await race(service, "single_use_secret", *requests) == [204, 400]


async def test_a_deletion_may_meet_a_refresh(service: Service) -> None:
    tokens = await service.login(await service.account())
    body = {"refresh_token": tokens.refresh_token}
    refresh: Request = ("POST", "/auth/refresh", body, {})
    delete = ("DELETE", "/auth/me", None, tokens.bearer)
    assert await race(service, "auth_session", delete, refresh) == [204, 400]
