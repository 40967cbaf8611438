# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""No secret of a whole run stands anywhere but where it belongs (ASVS 14.2.1, 16.2.5).

Two workers live through everything that can happen to an account, errors and outages included, with
passwords, tokens, codes, addresses and configured secrets that are known here. Then every answer,
every line of their logs, the metrics, and every row and key that they stored is searched for them.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.core.database import Base
from tests.auth.support.credentials import SAME_ORIGIN, cookie, new_email
from tests.auth.support.plugin import StartWorkers
from tests.auth.support.processes import Server
from tests.auth.support.settings import ROTATES, SECRET_KEY, USES_REDIS
from tests.auth.support.workers import Workers

pytestmark = pytest.mark.slow

CONFIGURED = {
    "secret_key": "canary-secret-key-Kx3vQm8ZrT1wYb6NcJ5hL",
    # Opens the signing keys that every copied database holds.
    "secret_key_previous": SECRET_KEY,
    "metrics_token": "canary-metrics-token-W4tR8yP2nQ6mZ1xC9",
}
DATABASE_PASSWORD = "canary-database-password-81"
REDIS_PASSWORD = "canary-redis-password-27"
FIRST, SECOND, THIRD = (f"canary-{word}-Wharf-90-lantern" for word in ("tulip", "kettle", "sphinx"))
WRONG = "canary-wrong-Falcon-12-pencil"
KEY_WISH = {"label": "a canary", "scope": "items:read"}
SENT_ASTRAY = "canary-where-no-secret-belongs-55"


@dataclass
class Secrets:
    """Everything that must not be seen again, by where it came from, and where it was seen."""

    known: dict[str, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def add(self, **secrets: str) -> None:
        """Learn secrets."""
        self.known |= {value: name for name, value in secrets.items()}

    def search(self, text: str, place: str, theirs: tuple[str, ...] = ()) -> None:
        """Note which secrets stand in a text, those aside that belong there."""
        for value, name in self.known.items():
            if value in text and value not in theirs:
                self.seen.append(f"{name} in {place}")


class Owner:
    """Somebody who uses the service, and keeps every answer to look for secrets in it."""

    def __init__(self, running: Workers, secrets: Secrets) -> None:
        self.running = running
        self.secrets = secrets
        self.email = new_email()
        self.bearer: dict[str, str] = {}
        self.refresh_token = ""
        secrets.add(email=self.email)

    async def send(self, method: str, path: str, **content: Any) -> httpx2.Response:
        """Send a request and look for what was secret before it in the answer."""
        response = await self.running.client.request(method, path, **content)
        theirs = (self.email,) if path == "/auth/me" else ()
        if not ROTATES and path == "/auth/refresh":
            theirs = (self.refresh_token,)
        said = response.text + repr(response.headers.multi_items())
        self.secrets.search(said, f"{method} {path} {response.status_code}", theirs)
        if response.status_code == 200 and "access_token" in response.text:
            self.learn(response)
        return response

    def learn(self, response: httpx2.Response) -> None:
        """Keep the tokens of an answer; from here on they are secrets."""
        body = response.json()
        self.refresh_token = body.get("refresh_token") or response.cookies["__Host-refresh"]
        self.bearer = {"Authorization": f"Bearer {body['access_token']}"}
        self.secrets.add(access_token=body["access_token"], refresh_token=self.refresh_token)
        if device := response.cookies.get("__Host-device"):
            self.secrets.add(device=device)

    async def log_in(self, password: str) -> None:
        """Log in by the form."""
        form = {"username": self.email, "password": password}
        assert (await self.send("POST", "/auth/token", data=form)).status_code == 200

    async def code(self, address: str) -> str:
        """Return the newest mailed code, a secret from here on."""
        code = await self.running.mailed_secret(address)
        self.secrets.add(code=code)
        return code


async def live(owner: Owner) -> None:
    """Do everything that an owner can do, each thing wrongly too."""
    send = owner.send
    await send("POST", "/auth/register", json={"email": owner.email, "password": FIRST})
    body = {"token": await owner.code(owner.email), "password": WRONG}
    assert (await send("POST", "/auth/email/verify", json=body)).status_code == 400
    assert (await send("POST", "/auth/email/verify", json=body | {"password": FIRST})).is_success
    await send("POST", "/auth/register", json={"email": owner.email, "password": FIRST})
    await send("POST", "/auth/token", data={"username": owner.email, "password": WRONG})
    await owner.log_in(FIRST)
    for _ in range(2):
        body = {"refresh_token": owner.refresh_token}
        assert (await send("POST", "/auth/refresh", json=body)).status_code == 200
    await send("GET", "/auth/me", headers=owner.bearer)
    await send("GET", "/auth/sessions", headers=owner.bearer)
    await use_keys(owner)
    moved = new_email()
    await send("POST", "/auth/email/change", json={"email": moved}, headers=owner.bearer)
    owner.secrets.add(new_email=moved)
    await owner.code(moved)
    body = {"current_password": FIRST, "password": SECOND}
    await send("POST", "/auth/password/change", json=body | {"password": "short"})
    await send("POST", "/auth/password/change", json=body, headers=owner.bearer)
    await send("POST", "/auth/password/forgot", json={"email": owner.email})
    body = {"token": await owner.code(owner.email), "password": THIRD}
    assert (await send("POST", "/auth/password/reset", json=body)).is_success
    login = {"email": owner.email, "password": THIRD}
    await send("POST", "/auth/session", json=login)
    assert (await send("POST", "/auth/session", json=login, headers=SAME_ORIGIN)).is_success
    await send("POST", "/auth/refresh", headers=cookie(owner.refresh_token))
    await send("POST", "/auth/logout", headers=cookie(owner.refresh_token))


async def use_keys(owner: Owner) -> None:
    """Make an API key, use it where it belongs and where it does not, replace it, revoke it."""
    send, path = owner.send, "/auth/api-keys"
    made = await send("POST", path, json=KEY_WISH, headers=owner.bearer)
    for _ in range(2):
        key, text = made.json()["id"], made.json()["api_key"]
        owner.secrets.add(api_key=text, secret_of_key=text.rpartition("_")[2][:43])
        assert (await send("GET", "/items", headers={"X-API-Key": text})).status_code == 200
        assert (await send("GET", "/auth/me", headers={"X-API-Key": text})).status_code == 403
        for wrong in (text[:-1], f"{text} {text}", f"{text[:-7]}0{text[-6:]}"):
            refused = await send("GET", "/items", headers={"X-API-Key": wrong})
            assert refused.status_code == 401
        await send("GET", "/items", params={"api_key": text})
        await send("POST", path, json=KEY_WISH | {"label": f"{text}\n."}, headers=owner.bearer)
        await send("GET", path, headers=owner.bearer)
        made = await send("POST", f"{path}/{key}/rotate", headers=owner.bearer)
    await send("DELETE", f"{path}/{key}", headers=owner.bearer)
    assert (await send("GET", "/items", headers={"X-API-Key": text})).status_code == 401


async def err(owner: Owner) -> None:
    """Send secrets to where none belongs."""
    send = owner.send
    await owner.log_in(THIRD)
    broken = f'{{"email": "{owner.email}", "password": "{THIRD}'
    json_type = {"Content-Type": "application/json"}
    for path in ("/auth/register", "/auth/session", "/auth/password/reset", "/items"):
        headers = owner.bearer | json_type
        await send("POST", path, content=broken, headers=headers)
        await send("POST", path, json={THIRD: owner.refresh_token, "email": WRONG}, headers=headers)
    token = owner.bearer["Authorization"].removeprefix("Bearer ")
    for wrong in (f"Bearer {token} {token}", f"Basic {SENT_ASTRAY}", f"Bearer {SENT_ASTRAY}"):
        await send("GET", "/auth/me", headers={"Authorization": wrong})
    await send("GET", "/auth/me", params={"access_token": SENT_ASTRAY, "password": SENT_ASTRAY})
    await send("GET", "/auth/me", headers={"Cookie": f"__Host-refresh={SENT_ASTRAY}"})
    await send("GET", "/auth/me", headers={"X-API-Key": SENT_ASTRAY, "Referer": SENT_ASTRAY})
    await send("GET", "/metrics", headers={"Authorization": f"Bearer {SENT_ASTRAY}"})
    await send("POST", "/auth/refresh", json={"refresh_token": SENT_ASTRAY})


async def fail(owner: Owner) -> None:
    """Meet errors that nobody foresaw, in the middle of what has secrets in hand."""
    running = owner.running
    failing: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("outbox_message", "/auth/password/forgot", {"json": {"email": owner.email}}),
        ("refresh_token", "/auth/token", {"data": {"username": owner.email, "password": THIRD}}),
        ("refresh_token", "/auth/refresh", {"json": {"refresh_token": owner.refresh_token}}),
        ("pending_registration", "/auth/register", {"json": login_of(new_email(), FIRST)}),
        ("api_key", "/auth/api-keys", {"json": KEY_WISH, "headers": owner.bearer}),
    )
    for table, path, content in failing:
        await running.sql(f"ALTER TABLE {table} RENAME TO gone")
        # uvicorn closes a connection after such an error: nobody may use it again meanwhile.
        headers = content.pop("headers", {}) | {"Connection": "close"}
        response = await owner.send("POST", path, headers=headers, **content)
        assert response.status_code == 500, (path, response.text)
        await running.sql(f"ALTER TABLE gone RENAME TO {table}")


def login_of(email: str, password: str) -> dict[str, str]:
    """Return the members of a login."""
    return {"email": email, "password": password}


async def stored(running: Workers) -> Iterator[str]:
    """Return every row of every table, addresses of accounts and of what waits aside."""
    async with running.database() as session:
        rows = [
            repr(dict(row) | {"email": None, "new_email": None})
            for table in Base.metadata.sorted_tables
            for row in (await session.execute(select(table))).mappings()
        ]
    return iter(rows)


async def in_redis(url: str) -> str:
    """Return every key of a Redis with its value."""
    from redis.asyncio import Redis

    read: dict[Any, Any] = {
        b"string": Redis.get,
        b"hash": Redis.hgetall,
        b"set": Redis.smembers,
        b"zset": lambda client, key: client.zrange(key, 0, -1),
        b"list": lambda client, key: client.lrange(key, 0, -1),
        b"stream": Redis.xrange,
    }
    async with Redis.from_url(url) as client:
        keys = await client.keys("*")
        return repr({key: await read[await client.type(key)](client, key) for key in keys})


def logs(directory: Path) -> str:
    """Return what all workers have logged."""
    return "\n".join(path.read_text() for path in directory.glob("worker-*.log"))


async def password_for(server: Server) -> str:
    """Give a Redis a password, and return its address with it."""
    from redis.asyncio import Redis

    async with Redis.from_url(server.url) as client:
        await client.config_set("requirepass", REDIS_PASSWORD)
    return server.url.replace("unix://", f"unix://:{REDIS_PASSWORD}@")


async def search_the_logs(directory: Path, secrets: Secrets) -> None:
    """Look for secrets in what all workers have logged, which is not nothing."""
    await asyncio.sleep(0.2)  # the last lines are written
    log = logs(directory)
    assert '"event": "login"' in log
    assert "exception" in log
    for line in log.splitlines():
        secrets.search(line, f"the log: {line[:120]}")


@pytest.fixture
def database_backend() -> str:
    """A database that has a password."""
    return "postgres"


async def test_no_secret_stands_where_it_does_not_belong(
    workers: StartWorkers, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = CONFIGURED | {
        "log_level": "INFO",
        # The tests' server asks nobody for a password, and so takes any.
        "database_url": database_url.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@"),
    }
    if USES_REDIS:
        settings["redis_url"] = await password_for(request.getfixturevalue("own_redis_server"))
    running = await workers(2, **settings)
    secrets = Secrets()
    secrets.add(**CONFIGURED, database=DATABASE_PASSWORD, redis=REDIS_PASSWORD, astray=SENT_ASTRAY)
    secrets.add(first=FIRST, second=SECOND, third=THIRD, wrong=WRONG)
    owner = Owner(running, secrets)
    await live(owner)
    await err(owner)
    await fail(owner)
    headers = {"Authorization": f"Bearer {CONFIGURED['metrics_token']}"}
    metrics = await running.client.get("/metrics", headers=headers)
    assert "python_info" in metrics.text
    secrets.search(metrics.text, "the metrics")
    for row in await stored(running):
        secrets.search(row, f"a row: {row[:80]}")
    if USES_REDIS:
        secrets.search(await in_redis(settings["redis_url"]), "Redis")
    await search_the_logs(tmp_path, secrets)
    assert len(secrets.known) > 15
    assert secrets.seen == []
