# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How often a login may be tried, and how a known device keeps its owner from being locked out."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from app.auth.derived_keys import new_secret
from app.auth.limits import LOGIN_ACCOUNT, LOGIN_ADDRESS, LOGIN_DEVICE, LOGIN_SERVICE
from app.auth.runtime import Auth
from app.core.client_address import rate_limit_network
from app.core.errors import ServiceUnavailable
from app.core.rate_limits import Limit

DEVICE_PURPOSE = "known-device"
ACCOUNT_PURPOSE = "rate-limit-account"


@dataclass(frozen=True)
class LoginAttempt:
    """A login that has been counted and is under way.

    Every count is taken before the password is looked at; what gives back gives back its own and no
    more.
    """

    auth: Auth
    counted_at: datetime
    to_give_back: tuple[tuple[Limit, str], ...]

    @classmethod
    async def count(
        cls, auth: Auth, email: str, address: str, device: str | None
    ) -> "LoginAttempt":
        """Count a try.

        Raises:
            TooManyRequests: a limit is used up.
        """
        now, device_id = auth.clock.now(), recognise_device(auth, email, device)
        if device_id is not None:
            await auth.count(LOGIN_DEVICE, device_id)
            return cls(auth, now, ((LOGIN_DEVICE, device_id),))
        network = rate_limit_network(address)
        account = auth.derived_keys.fingerprint(ACCOUNT_PURPOSE, email)
        # The address first: one that is refused must not use up what others share with it.
        await auth.count(LOGIN_ADDRESS, network)
        await auth.count(LOGIN_SERVICE, "all")
        await auth.count(LOGIN_ACCOUNT, account)
        return cls(auth, now, ((LOGIN_ADDRESS, network), (LOGIN_ACCOUNT, account)))

    async def give_back(self) -> None:
        """Give back what this attempt counted for account and address, or for its device."""
        for limit, key in self.to_give_back:
            await self.auth.stores.rate_limiter.give_back(limit, key, at=self.counted_at)


@asynccontextmanager
async def login_attempt(
    auth: Auth, email: str, address: str, device: str | None
) -> AsyncGenerator[None, None]:
    """Count a try and wait for a turn; neither a success counts nor what nobody could judge (503).

    Raises:
        TooManyRequests: a limit is used up.
        ServiceUnavailable: too many are waiting.
    """
    attempt = await LoginAttempt.count(auth, email, address, device)
    try:
        async with auth.passwords.turn():  # counted first: a flood must not fill the queue
            yield
    except ServiceUnavailable:
        await attempt.give_back()  # an owner who comes back as told must not be locked out for it
        raise
    await attempt.give_back()


def new_device(auth: Auth, email: str) -> str:
    """Return the value of a cookie that says: this account logged in here before."""
    device_id = new_secret()
    return f"{device_id}.{auth.derived_keys.fingerprint(DEVICE_PURPOSE, f'{device_id}.{email}')}"


def recognise_device(auth: Auth, email: str, cookie: str | None) -> str | None:
    """Return the id of a device on which this account logged in before, else None."""
    device_id, _, signature = (cookie or "").partition(".")
    signed = f"{device_id}.{email}"
    if not auth.derived_keys.is_fingerprint(DEVICE_PURPOSE, signed, signature):
        return None
    return device_id
