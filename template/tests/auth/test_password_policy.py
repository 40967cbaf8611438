# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Known passwords are refused by the list itself, hashes cost what OWASP asks, and none ages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.auth import passwords as passwords_module
from app.auth.passwords import LOGINS_BESIDE, MIN_PASSWORD_CHARACTERS, Passwords
from app.auth.settings import BaseAuthSettings
from app.core.errors import ServiceUnavailable, UnprocessableContent
from tests.auth.support.answers import problem
from tests.auth.support.credentials import PASSWORD, User, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import SECRET_KEY

COMMON = 3000  # ASVS 6.2.4


def settings(**values: object) -> BaseAuthSettings:
    """Return settings with the defaults of production where nothing else is said."""
    return BaseAuthSettings.model_validate({"secret_key": SECRET_KEY} | values)


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """The passwords of a service in production."""
    made = Passwords(settings(password_queue=2000))
    yield made
    made.close()


async def is_refused(passwords: Passwords, password: str) -> bool:
    """Tell whether nobody can choose a password, for its length or for being known."""
    if len(password) < MIN_PASSWORD_CHARACTERS:
        return True
    try:
        await passwords.require_strong(password, ())
    except UnprocessableContent:
        return True
    return False


async def test_the_most_common_passwords_are_refused(passwords: Passwords) -> None:
    common = list(FREQUENCY_LISTS["passwords"])
    assert len(common) > COMMON
    for password in common[:COMMON]:
        assert await is_refused(passwords, password)
    # Made long enough in the usual ways: twice or more, with a number behind.
    for password in common[:50]:
        often = password * (MIN_PASSWORD_CHARACTERS // len(password) + 1)
        for lengthened in (often, often.title(), f"{often}1"):
            assert await is_refused(passwords, lengthened), lengthened
    assert not await is_refused(passwords, PASSWORD)


async def test_a_hash_costs_what_owasp_asks_unless_somebody_asks_for_more(
    passwords: Passwords,
) -> None:
    assert (await passwords.hash(PASSWORD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("name", ["argon2_memory_kib", "argon2_passes"])
def test_production_refuses_cheaper_hashes(name: str) -> None:
    floor = getattr(settings(), name)
    cheaper = settings(environment="production", **{name: floor - 1})
    assert [found for found in cheaper.findings() if name.upper() in found]
    assert not [
        found for found in settings(environment="production").findings() if "ARGON" in found
    ]


async def test_a_password_does_not_age(fresh_service: FreshService) -> None:
    service = await fresh_service()
    user = await service.account()
    service.clock.advance(days=3650)
    assert (await service.login(user)).claims["sub"] == str(user.id)


@pytest.mark.parametrize("full", ["_in_queue", "_at_the_door"])
async def test_who_finds_the_queue_full_comes_back_later(
    service: Service, account: User, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    form = {"username": account.email, "password": account.password}
    with monkeypatch.context() as patch:
        patch.setattr(getattr(service.auth.passwords, full), "_free", 0)
        response = await service.client.post("/auth/token", data=form)
    assert problem(response) == (503, "temporarily_unavailable")
    assert response.headers["retry-after"] == "1"
    assert (await service.login(account)).claims["sub"] == str(account.id)


async def test_a_full_queue_refuses_before_it_hashes() -> None:
    full = Passwords(settings(argon2_memory_kib=8, argon2_passes=1, password_queue=1))
    work = [asyncio.ensure_future(full.verify(new_email(), None)) for _ in range(3)]
    await asyncio.sleep(0)
    results = await asyncio.gather(*work, return_exceptions=True)
    full.close()
    assert [type(each) for each in results] == [tuple, tuple, ServiceUnavailable]


async def test_few_logins_at_a_time_come_to_their_look_ups() -> None:
    door = Passwords(settings(argon2_memory_kib=8, argon2_passes=1, password_queue=8))
    inside, most = 0, 0

    async def log_in() -> None:
        nonlocal inside, most
        async with door.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    results = await asyncio.gather(*(log_in() for _ in range(10)), return_exceptions=True)
    door.close()
    assert most == 1 + LOGINS_BESIDE
    assert door._at_the_door._free == 9  # every place is given back
    assert [type(each) for each in results] == [type(None)] * 9 + [ServiceUnavailable]


async def test_a_login_waits_for_its_turn_for_ten_seconds_and_no_longer(
    service: Service, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert passwords_module.TURN_WITHIN == 10
    form = {"username": account.email, "password": account.password}
    async with AsyncExitStack() as inside:
        for _ in range(1 + LOGINS_BESIDE):
            await inside.enter_async_context(service.auth.passwords.turn())
        monkeypatch.setattr(passwords_module, "TURN_WITHIN", 0.01)
        async with asyncio.timeout(5):
            response = await service.client.post("/auth/token", data=form)
        assert problem(response) == (503, "temporarily_unavailable")
        # Who gave up holds no place.
        monkeypatch.setattr(passwords_module, "TURN_WITHIN", 10)
        waiting = asyncio.create_task(service.login(account))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    assert (await waiting).claims["sub"] == str(account.id)
