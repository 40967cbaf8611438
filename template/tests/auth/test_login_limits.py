# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Guessing is slow, locking somebody else out is hard, and a 429 says truly when to come back."""

from collections.abc import Awaitable, Callable

import anyio
import httpx2
import pytest

from app.auth import limits, login_limits
from app.auth.login_limits import LoginAttempt
from app.core.errors import TooManyRequests
from app.core.rate_limits import Limit
from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import PASSWORD, SAME_ORIGIN, User, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

LIMITED = (429, "too_many_requests")
WRONG = "not-the-Password-1-ox"


async def try_login(
    client: httpx2.AsyncClient, email: str, password: str = WRONG, device: str = ""
) -> tuple[int, str] | None:
    """Try to log in; return None for success and the problem otherwise."""
    headers = {"Cookie": f"__Host-device={device}"} if device else {}
    form = {"username": email, "password": password}
    response = await client.post("/auth/token", data=form, headers=headers)
    return None if response.status_code == 200 else problem(response)


async def use_up_the_account(service: Service, email: str) -> None:
    """Use up what one account may be tried, from many addresses."""
    for _ in range(10):
        assert await try_login(service.new_client(), email) == INVALID_GRANT


async def device_of(service: Service, user: User) -> str:
    """Return the cookie of a device on which somebody has logged in."""
    form = {"username": user.email, "password": user.password}
    response = await service.new_client().post("/auth/token", data=form)
    assert response.status_code == 200
    return str(response.cookies["__Host-device"])


@pytest.mark.both_databases
async def test_an_account_takes_ten_tries_in_five_minutes_from_wherever_they_come(
    service: Service,
) -> None:
    user = await service.account()
    await use_up_the_account(service, user.email)
    assert await try_login(service.new_client(), user.email) == LIMITED
    # Also with the right password: the answer tells nothing about it.
    assert await try_login(service.new_client(), user.email, PASSWORD) == LIMITED
    service.clock.advance(seconds=300)
    assert await try_login(service.new_client(), user.email, PASSWORD) is None


async def test_an_unknown_account_is_limited_like_a_known_one(service: Service) -> None:
    email = new_email()
    await use_up_the_account(service, email)
    assert await try_login(service.new_client(), email) == LIMITED
    assert await try_login(service.new_client(), email.upper()) == LIMITED


async def test_an_address_takes_ten_tries_whatever_accounts_they_are_for(
    service: Service,
) -> None:
    client = service.new_client()
    for _ in range(10):
        assert await try_login(client, new_email()) == INVALID_GRANT
    user = await service.account()
    assert await try_login(client, user.email, PASSWORD) == LIMITED
    assert await try_login(service.new_client(), user.email, PASSWORD) is None


async def test_form_and_cookie_login_share_their_limits(service: Service) -> None:
    user, client = await service.account(), service.new_client()
    for _ in range(5):
        await try_login(client, user.email)
        body = {"email": user.email, "password": WRONG}
        await client.post("/auth/session", json=body, headers=SAME_ORIGIN)
    assert await try_login(client, new_email()) == LIMITED


async def test_ipv6_counts_by_the_network_of_a_customer(service: Service) -> None:
    # A /64 is what one customer has: 2^64 addresses to try from.
    for number in range(10):
        client = service.new_client(f"2001:db8:1:1::{number:x}")
        assert await try_login(client, new_email()) == INVALID_GRANT
    assert await try_login(service.new_client("2001:db8:1:1:ffff::1"), new_email()) == LIMITED
    assert await try_login(service.new_client("2001:db8:1:2::1"), new_email()) == INVALID_GRANT


async def test_a_refused_login_says_truly_when_to_come_back(service: Service) -> None:
    user = await service.account()
    await use_up_the_account(service, user.email)
    form = {"username": user.email, "password": PASSWORD}
    response = await service.new_client().post("/auth/token", data=form)
    assert problem(response) == LIMITED
    wait = int(response.headers["retry-after"])
    assert 1 <= wait <= 300
    service.clock.advance(seconds=wait - 1)
    assert await try_login(service.new_client(), user.email, PASSWORD) == LIMITED
    service.clock.advance(seconds=1)
    assert await try_login(service.new_client(), user.email, PASSWORD) is None


async def test_a_success_gives_back_the_one_count_it_took(service: Service) -> None:
    user, client = await service.account(), service.new_client()
    for _ in range(9):
        assert await try_login(client, user.email) == INVALID_GRANT
    for _ in range(3):
        assert await try_login(client, user.email, PASSWORD) is None
    # Nine are still counted: a right password in between forgives none.
    assert await try_login(client, user.email) == INVALID_GRANT
    assert await try_login(client, user.email, PASSWORD) == LIMITED


async def test_tries_at_once_are_counted_before_any_of_them_is_answered(
    service: Service,
) -> None:
    user, answers = await service.account(), []

    async def attempt(client: httpx2.AsyncClient) -> None:
        answers.append(await try_login(client, user.email))

    async with anyio.create_task_group() as group:
        for _ in range(15):
            group.start_soon(attempt, service.new_client())
    assert answers.count(INVALID_GRANT) == 10
    assert answers.count(LIMITED) == 5


async def test_a_limit_counts_before_it_hashes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await service.account()
    await use_up_the_account(service, user.email)

    async def verify(password: str, stored: str | None) -> tuple[bool, str | None]:
        raise AssertionError("a refused try must cost nothing")

    monkeypatch.setattr(service.auth.passwords, "verify", verify)
    assert await try_login(service.new_client(), user.email) == LIMITED


async def test_the_whole_service_has_a_limit_that_known_devices_pass(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (limits.LOGIN_SERVICE.amount, limits.LOGIN_SERVICE.seconds) == (1000, 300)
    monkeypatch.setattr(login_limits, "LOGIN_SERVICE", Limit("login_service", 5, 300))
    service = await fresh_service()
    user = await service.account()
    device = await device_of(service, user)
    for _ in range(4):
        assert await try_login(service.new_client(), new_email()) == INVALID_GRANT
    assert await try_login(service.new_client(), new_email()) == LIMITED
    assert await try_login(service.new_client(), user.email, PASSWORD) == LIMITED
    assert await try_login(service.new_client(), user.email, PASSWORD, device) is None


async def test_an_owner_on_a_known_device_is_not_locked_out_by_an_attacker(
    service: Service,
) -> None:
    user = await service.account()
    device = await device_of(service, user)
    await use_up_the_account(service, user.email)
    assert await try_login(service.new_client(), user.email, PASSWORD) == LIMITED
    assert await try_login(service.new_client(), user.email, PASSWORD, device) is None


async def test_an_office_is_not_locked_out_by_one_of_its_machines(service: Service) -> None:
    user, office = await service.account(), service.new_client()
    device = await device_of(service, user)
    for _ in range(10):
        await try_login(office, new_email())
    assert await try_login(office, user.email, PASSWORD) == LIMITED
    assert await try_login(office, user.email, PASSWORD, device) is None


async def test_a_known_device_has_a_limit_of_its_own(service: Service) -> None:
    user = await service.account()
    device = await device_of(service, user)
    for _ in range(10):
        assert await try_login(service.new_client(), user.email, device=device) == INVALID_GRANT
    assert await try_login(service.new_client(), user.email, PASSWORD, device) == LIMITED


async def test_a_device_is_known_for_its_own_account_and_cannot_be_made_up(
    service: Service,
) -> None:
    owner, victim = await service.account(), await service.account()
    device = await device_of(service, owner)
    await use_up_the_account(service, victim.email)
    identifier, _, signature = device.partition(".")
    for forged in (device, f"{identifier}.{signature[::-1]}", f"x.{signature}", identifier, "."):
        assert await try_login(service.new_client(), victim.email, PASSWORD, forged) == LIMITED


async def test_the_device_cookie_is_set_once_and_hidden_from_scripts(service: Service) -> None:
    user = await service.account()
    form = {"username": user.email, "password": user.password}
    first = await service.client.post("/auth/token", data=form)
    set_cookie = first.headers["set-cookie"].lower()
    for attribute in ("secure", "httponly", "samesite=strict", "path=/"):
        assert attribute in set_cookie
    assert "domain" not in set_cookie
    device = {"Cookie": f"__Host-device={first.cookies['__Host-device']}"}
    again = await service.client.post("/auth/token", data=form, headers=device)
    assert again.status_code == 200
    assert "set-cookie" not in again.headers


Attempt = Callable[[Service, httpx2.AsyncClient], Awaitable[httpx2.Response]]


async def register(service: Service, client: httpx2.AsyncClient) -> httpx2.Response:
    """Register somebody new."""
    return await client.post("/auth/register", json={"email": new_email(), "password": PASSWORD})


async def forget(service: Service, client: httpx2.AsyncClient) -> httpx2.Response:
    """Forget a password."""
    return await client.post("/auth/password/forgot", json={"email": new_email()})


async def reset(service: Service, client: httpx2.AsyncClient) -> httpx2.Response:
    """Try a made-up reset secret."""
    body = {"token": "A" * 43, "password": PASSWORD}
    return await client.post("/auth/password/reset", json=body)


async def verify(service: Service, client: httpx2.AsyncClient) -> httpx2.Response:
    """Try a made-up secret for an address."""
    body = {"token": "A" * 43, "password": PASSWORD}
    return await client.post("/auth/email/verify", json=body)


async def refresh(service: Service, client: httpx2.AsyncClient) -> httpx2.Response:
    """Try a made-up refresh token."""
    return await client.post("/auth/refresh", json={"refresh_token": "A" * 43})


async def log_out(service: Service, client: httpx2.AsyncClient) -> httpx2.Response:
    """Log out with a made-up refresh token."""
    return await client.post("/auth/logout", json={"refresh_token": "A" * 43})


@pytest.mark.parametrize(
    ("attempt", "limit"),
    [
        (register, "REGISTER_ADDRESS"),
        (forget, "FORGOT_ADDRESS"),
        (reset, "SECRET_ADDRESS"),
        (verify, "SECRET_ADDRESS"),
        (refresh, "REFRESH_ADDRESS"),
        (log_out, "REFRESH_ADDRESS"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_every_route_that_takes_a_credential_is_limited_by_address(
    service: Service, attempt: Attempt, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Limit = getattr(limits, limit)
    lower = Limit(real.name, 2, real.seconds)
    for module in ("registration", "account_service", "service", "logout"):
        monkeypatch.setattr(f"app.auth.{module}.{limit}", lower, raising=False)
    client = service.new_client()
    for _ in range(2):
        assert (await attempt(service, client)).status_code != 429
    refused = await attempt(service, client)
    assert problem(refused) == LIMITED
    assert 1 <= int(refused.headers["retry-after"]) <= real.seconds
    assert (await attempt(service, service.new_client())).status_code != 429


async def test_guessing_the_current_password_is_limited_by_account(service: Service) -> None:
    user = await service.account()
    tokens = await service.login(user)
    body = {"current_password": WRONG, "password": "velvet-Harbor-31-quince"}
    for _ in range(10):
        client = service.new_client()
        response = await client.post("/auth/password/change", json=body, headers=tokens.bearer)
        assert problem(response) == INVALID_GRANT
    right = body | {"current_password": PASSWORD}
    client = service.new_client()
    response = await client.post("/auth/password/change", json=right, headers=tokens.bearer)
    assert problem(response) == LIMITED


async def test_a_login_that_was_too_much_for_the_service_is_not_counted(
    service: Service, account: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Told to come back in a second, an owner who does must not be locked out for it.
    client = service.new_client()
    form = {"username": account.email, "password": account.password}
    with monkeypatch.context() as patch:
        patch.setattr(service.auth.passwords._at_the_door, "_free", 0)
        for _ in range(12):
            assert (await client.post("/auth/token", data=form)).status_code == 503
    for _ in range(10):
        response = await client.post("/auth/token", data=form | {"password": WRONG})
        assert problem(response) == INVALID_GRANT
    assert problem(await client.post("/auth/token", data=form)) == LIMITED


async def test_what_a_long_login_gives_back_is_of_the_window_in_which_it_was_counted(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    whose = (service.auth, new_email(), "203.0.113.77", None)
    attempt = await LoginAttempt.count(*whose)
    service.clock.advance(seconds=300)
    for _ in range(10):
        await LoginAttempt.count(*whose)
    await attempt.give_back()
    with pytest.raises(TooManyRequests):
        await LoginAttempt.count(*whose)
