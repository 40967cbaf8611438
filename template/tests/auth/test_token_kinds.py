# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Each kind of credential is good for its own purpose and for no other (RFC 8725 section 3.11)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2

from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import PASSWORD, User, bearer, cookie, new_email
from tests.auth.support.mails import secret_in
from tests.auth.support.service import Service

NEW_PASSWORD = "velvet-Harbor-31-quince"


@dataclass(frozen=True)
class Credentials:
    """One credential of each kind, all of one account but the one of a pending registration."""

    access_token: str
    refresh_token: str
    registration: str
    reset: str
    email_change: str
    device: str


async def collect(service: Service, account: User) -> Credentials:
    """Return a living credential of each kind."""
    tokens = await service.login(account)
    body = {"email": account.email, "password": account.password}
    response = await service.client.post(
        "/auth/session", json=body, headers={"Sec-Fetch-Site": "same-origin"}
    )
    pending, moving = new_email(), new_email()
    await service.client.post("/auth/register", json={"email": pending, "password": PASSWORD})
    await service.client.post("/auth/password/forgot", json={"email": account.email})
    await service.client.post("/auth/email/change", json={"email": moving}, headers=tokens.bearer)
    reset = [mail for mail in await service.mails(account.email) if "Set a new" in mail.subject]
    return Credentials(
        tokens.access_token,
        tokens.refresh_token,
        await service.mailed_secret(pending),
        secret_in(reset[0]),
        await service.mailed_secret(moving),
        response.cookies["__Host-device"],
    )


async def as_access_token(service: Service, secret: str) -> httpx2.Response:
    """Present something as the bearer of a request."""
    return await service.client.get("/auth/me", headers=bearer(secret))


async def as_refresh_token(service: Service, secret: str) -> httpx2.Response:
    """Present something as a refresh token in the body."""
    return await service.try_refresh(secret)


async def as_refresh_cookie(service: Service, secret: str) -> httpx2.Response:
    """Present something as a refresh token in the cookie."""
    return await service.client.post("/auth/refresh", headers=cookie(secret))


async def as_mailed_proof(service: Service, secret: str) -> httpx2.Response:
    """Present something as what is mailed to prove an address."""
    body = {"token": secret, "password": PASSWORD}
    return await service.client.post("/auth/email/verify", json=body)


async def as_reset(service: Service, secret: str) -> httpx2.Response:
    """Present something as what is mailed to set a new password."""
    body = {"token": secret, "password": NEW_PASSWORD}
    return await service.client.post("/auth/password/reset", json=body)


Present = Callable[[Service, str], Awaitable[httpx2.Response]]
# What each kind is good for; the way it is presented changes nothing about a refresh token.
PURPOSES: dict[Present, set[str]] = {
    as_access_token: {"access_token"},
    as_refresh_token: {"refresh_token"},
    as_refresh_cookie: {"refresh_token"},
    as_mailed_proof: {"registration", "email_change"},
    as_reset: {"reset"},
}
OWN_PURPOSE: tuple[tuple[Present, str], ...] = (
    (as_access_token, "access_token"),
    (as_refresh_token, "refresh_token"),
    (as_mailed_proof, "registration"),
    (as_reset, "reset"),
)
KINDS = ("access_token", "refresh_token", "registration", "reset", "email_change", "device")


async def test_a_credential_of_another_kind_is_refused_and_stays_good_for_its_own(
    service: Service, account: User
) -> None:
    credentials = await collect(service, account)
    for present, own_kinds in PURPOSES.items():
        for kind in KINDS:
            if kind not in own_kinds:
                response = await present(service, getattr(credentials, kind))
                assert response.status_code in {400, 401, 422}, (present, kind, response.text)
                problem(response)
    # The control: what was refused was refused for its kind. Setting a password ends the rest.
    for present, kind in OWN_PURPOSE:
        response = await present(service, getattr(credentials, kind))
        assert response.is_success, (present, kind, response.text)


async def test_no_credential_is_a_password(service: Service, account: User) -> None:
    credentials = await collect(service, account)
    for kind in KINDS:
        secret = getattr(credentials, kind)[:256]
        form = {"username": account.email, "password": secret}
        response = await service.new_client().post("/auth/token", data=form)
        assert problem(response) == INVALID_GRANT, kind
