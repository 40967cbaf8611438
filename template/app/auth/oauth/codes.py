# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The one-time code that a finished login can end in: short, single-use, and bound to its client.

The code stands in an address, which ends in histories and logs; so it is worth nothing without the
verifier of the client that started the flow (RFC 7636), or the cookie of its browser.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from sqlalchemy import insert

from app.auth import accounts, metrics
from app.auth.derived_keys import hash_secret, new_secret
from app.auth.identity_models import OAuthCode, OAuthFlow
from app.auth.issuing import IssuedTokens
from app.auth.models import Account
from app.auth.oauth import repository
from app.auth.oauth.limits import OAUTH_FINISH_ADDRESS
from app.auth.runtime import Auth
from app.auth.service import SECRET_FORM, Client, start_session
from app.core.client_address import rate_limit_network
from app.core.errors import InvalidGrant
from app.core.logging import security_event

CODE_LIFETIME = timedelta(seconds=60)  # the page that gets it exchanges it at once
VERIFIER_FORM = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1


@dataclass(frozen=True)
class GivenCode:
    """A code on its way to the client.

    Attributes:
        code: for the address.
        browser: for the cookie; None when the code is bound to a verifier.
        state: the client's own, as it came.
    """

    code: str
    browser: str | None
    state: str | None

    def add_to(self, address: str) -> str:
        """Return an address, which has no query yet, with the code in it."""
        parameters = {"code": self.code} | ({"state": self.state} if self.state else {})
        return f"{address}?{urlencode(parameters)}"


async def give_code(auth: Auth, flow: OAuthFlow, account: Account) -> GivenCode:
    """Make the code that a finished flow ends in."""
    code = new_secret()
    browser = new_secret() if flow.code_challenge is None else None
    async with auth.database.transaction() as session:
        await session.execute(
            insert(OAuthCode).values(
                code_hash=hash_secret(code),
                account_id=account.id,
                token_version=account.token_version,
                browser_hash=hash_secret(browser) if browser else None,
                code_challenge=flow.code_challenge,
                scope=flow.scope,
                expires_at=auth.clock.now() + CODE_LIFETIME,
            )
        )
    return GivenCode(code, browser, flow.client_state)


async def exchange_code(
    auth: Auth, code: str, *, verifier: str | None, browser: str | None, client: Client
) -> IssuedTokens:
    """Start the session that a code stands for.

    Args:
        auth: the parts of the running app.
        code: as received.
        verifier: of a client with a challenge.
        browser: the cookie that goes with the code.
        client: who asks.

    Raises:
        InvalidGrant: unknown, used, older than a minute, or made for somebody else: one answer.
        TooManyRequests: too many tries from this address.
    """
    await auth.count(OAUTH_FINISH_ADDRESS, rate_limit_network(client.address))
    challenge = None
    if verifier is not None and VERIFIER_FORM.fullmatch(verifier):
        challenge = create_s256_code_challenge(verifier)
    now = auth.clock.now()
    taken = account = None
    if SECRET_FORM.fullmatch(code):
        async with auth.database.transaction() as session:
            taken = await repository.take_code(
                session, code, browser=browser, code_challenge=challenge, now=now
            )
            account = await accounts.find_active(session, taken.account_id if taken else None)
    if taken is None or account is None or account.token_version != taken.token_version:
        metrics.login(outcome="refused")
        security_event("provider_code_refused", address=client.address)
        raise InvalidGrant
    tokens = await start_session(auth, account, taken.scope, client)
    metrics.login(outcome="accepted")
    return tokens
