# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Accounts and tokens as a test holds them, and the headers that present them."""

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import httpx2
from pwdlib.hashers.argon2 import Argon2Hasher

from tests.auth.support.forging import claims_of, header_of
from tests.auth.support.settings import ORIGIN

PASSWORD = "tangerine-Wharf-90-lantern"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}


@dataclass(frozen=True)
class User:
    """An account and what its owner knows."""

    id: UUID
    email: str
    password: str = PASSWORD


@dataclass(frozen=True)
class Tokens:
    """What a login or a refresh gave."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header that presents the access token."""
        return bearer(self.access_token)

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the access token, unverified."""
        return claims_of(self.access_token)

    @property
    def header(self) -> dict[str, Any]:
        """The header of the access token, unverified."""
        return header_of(self.access_token)


def bearer(access_token: str) -> dict[str, str]:
    """Return the header that presents an access token."""
    return {"Authorization": f"Bearer {access_token}"}


def cookie(refresh_token: str) -> dict[str, str]:
    """Return the headers with which the service's own page sends the refresh cookie."""
    return {"Cookie": f"__Host-refresh={refresh_token}", **SAME_ORIGIN}


def tokens_of(response: httpx2.Response) -> Tokens:
    """Return the tokens in a successful answer, wherever the refresh token is."""
    assert response.status_code == 200, f"{response.status_code}: {response.text}"
    body = response.json()
    refresh_token = body.get("refresh_token") or response.cookies["__Host-refresh"]
    return Tokens(body["access_token"], refresh_token, body["expires_in"], body["scope"])


@cache
def password_hash() -> str:
    """Return the hash of `PASSWORD` under the parameters of the tests' settings."""
    return Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def new_email() -> str:
    """Return an address that no other test uses."""
    return f"user-{secrets.token_hex(6)}@example.com"
