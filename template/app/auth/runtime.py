# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What one process of the service holds for authentication, made once and closed at the end."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from app.auth.api_keys import ApiKeys
from app.auth.delivery import Delivery
from app.auth.derived_keys import DerivedKeys
from app.auth.key_store import KeyStore
from app.auth.keyring import Keyring
from app.auth.limits import MAIL_RECIPIENT
from app.auth.outbox import Outbox
from app.auth.passwords import Passwords
from app.auth.redemption import Redemption
from app.auth.revocation import Stores
from app.auth.security import TokenPolicy
from app.auth.settings import BaseAuthSettings
from app.auth.signing import SigningAlgorithm
from app.auth.verified_tokens import VerifiedTokens
from app.core.clock import Clock
from app.core.database import Database
from app.core.errors import TooManyRequests
from app.core.logging import security_event
from app.core.mail import LogMailSender, MailSender
from app.core.mail_smtp import SmtpMailSender
from app.core.rate_limits import Limit

MAIL_PURPOSE = "rate-limit-mail"


class Redeem(Protocol):
    """A refresh strategy: says what a presented refresh token is worth; one file each."""

    async def __call__(
        self, session: AsyncSession, auth: "Auth", presented: str, now: datetime
    ) -> Redemption: ...


@dataclass(frozen=True)
class Auth:
    """The parts that the flows work with."""

    settings: BaseAuthSettings
    clock: Clock
    database: Database
    derived_keys: DerivedKeys
    key_store: KeyStore
    keyring: Keyring
    verified_tokens: VerifiedTokens
    passwords: Passwords
    outbox: Outbox
    stores: Stores
    delivery: Delivery
    redeem: Redeem
    api_keys: ApiKeys

    @property
    def idle_lifetime(self) -> timedelta:
        """How long a session lives without a refresh."""
        return timedelta(seconds=self.settings.session_idle_lifetime)

    async def count(self, limit: Limit, key: str) -> None:
        """Count one try, before any work is done for it.

        Raises:
            TooManyRequests: the limit is used up.
        """
        wait = await self.stores.rate_limiter.hit(limit, key)
        if wait is not None:
            security_event("rate_limited", limit=limit.name, key=key)
            raise TooManyRequests(retry_after=wait)

    async def may_mail(self, email: str) -> bool:
        """Count a mail to this address; False when it has had enough for this hour."""
        key = self.derived_keys.fingerprint(MAIL_PURPOSE, email)
        return await self.stores.rate_limiter.hit(MAIL_RECIPIENT, key) is None

    async def deliver_denials(self) -> None:
        """Make committed denials hold on every worker; the answer waits for this.

        Raises:
            ServiceUnavailable: that is not known; nothing is lost, a retry delivers.
        """
        await self.delivery.deliver()


def get_auth(connection: HTTPConnection) -> Auth:
    """Return the parts of the running app."""
    auth: Auth = connection.scope["app"].parts
    return auth


@asynccontextmanager
async def build_auth(
    settings: BaseAuthSettings,
    database: Database,
    clock: Clock,
    opened_stores: AbstractAsyncContextManager[Stores],
    signing: SigningAlgorithm,
    redeem: Redeem,
) -> AsyncGenerator[Auth, None]:
    """Make the parts, and close them at the end; for the app and for the command line."""
    derived_keys = DerivedKeys(settings.master_secrets)
    key_store = KeyStore(database, derived_keys, signing, settings.access_lifetime)
    passwords = Passwords(settings)
    keyring = Keyring(key_store.load, clock)
    policy = TokenPolicy(settings.issuer, settings.audience, settings.access_lifetime)
    try:
        async with opened_stores as stores:
            delivery = Delivery(database, stores.revocation, clock)
            yield Auth(
                settings=settings,
                clock=clock,
                database=database,
                derived_keys=derived_keys,
                key_store=key_store,
                keyring=keyring,
                verified_tokens=VerifiedTokens(keyring, policy, settings.verified_tokens_limit),
                passwords=passwords,
                outbox=Outbox(database, derived_keys, clock, mail_sender(settings)),
                stores=stores,
                delivery=delivery,
                redeem=redeem,
                api_keys=ApiKeys(database, clock, stores.key_is_denied),
            )
            await delivery.marked()
    finally:
        passwords.close()


def mail_sender(settings: BaseAuthSettings) -> MailSender:
    """Return the configured mail port: SMTP, or in local use a print."""
    return SmtpMailSender(settings) if settings.smtp_host else LogMailSender()
