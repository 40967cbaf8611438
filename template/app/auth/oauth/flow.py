# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The flow, the same for every provider: a browser leaves, comes back, and is let in or linked.

The row of a flow is deleted by the statement that reads it, before anything else is done: an answer
that comes a second time, or in another browser, finds nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert

from app.auth import logout, metrics
from app.auth.derived_keys import hash_secret, new_secret
from app.auth.identity_models import OAuthFlow
from app.auth.issuing import IssuedTokens
from app.auth.oauth import identities, repository
from app.auth.oauth.codes import GivenCode, give_code
from app.auth.oauth.errors import ReturnAddressRefused
from app.auth.oauth.http import BoundedTransport
from app.auth.oauth.limits import (
    OAUTH_FINISH_ADDRESS,
    OAUTH_START_ADDRESS,
    OAUTH_START_SERVICE,
)
from app.auth.oauth.provider import Callback, Exchange, FlowSecrets, Identity, Provider
from app.auth.oauth.settings import OAuthSettings
from app.auth.runtime import Auth
from app.auth.service import SECRET_FORM, Client, start_session
from app.core.client_address import rate_limit_network
from app.core.errors import AppError, InvalidGrant, InvalidRequest, NotFound
from app.core.logging import security_event

FLOW_LIFETIME = timedelta(minutes=10)  # enough for a second factor at the provider


@dataclass(frozen=True)
class OAuth:
    """What the flow works with; one for the process."""

    auth: Auth
    settings: OAuthSettings
    providers: Mapping[str, Provider]
    transport: BoundedTransport

    def provider(self, name: str) -> Provider:
        """Return a provider that was chosen and is configured.

        Raises:
            NotFound: it is not.
        """
        if (found := self.providers.get(name)) is None:
            raise NotFound
        return found

    def exchange(self, name: str, secrets: FlowSecrets) -> Exchange:
        """Return what a provider needs for its part of a flow."""
        redirect_uri = self.settings.redirect_uri(name)
        return Exchange(self.transport, secrets, redirect_uri, self.auth.clock.now())


@dataclass(frozen=True)
class Wish:
    """What a client asks for when it starts a flow.

    Attributes:
        return_to: where the browser goes in the end; None: the first of the list.
        response_type: "cookie" or "code".
        code_challenge: binds the code to who knows its verifier; None: to the browser.
        state: comes back to the client with its code.
        scope: space-delimited; None asks for all that the account holds.
        session_id: the session that a link is for, or that a login in this browser replaces.
        purpose: "login" or "link".
    """

    return_to: str | None = None
    response_type: str = "cookie"
    code_challenge: str | None = None
    state: str | None = None
    scope: str | None = None
    session_id: UUID | None = None
    purpose: str = "login"


@dataclass(frozen=True)
class Finished:
    """What the browser gets in the end: tokens, a code, or, after a link, only the way back."""

    return_to: str
    tokens: IssuedTokens | None = None
    code: GivenCode | None = None


async def start(oauth: OAuth, name: str, wish: Wish, client: Client) -> tuple[FlowSecrets, str]:
    """Begin a flow; return its secrets, and where the browser goes.

    Raises:
        NotFound: there is no such provider.
        ReturnAddressRefused: the address is not on the list, letter by letter.
        InvalidRequest: a challenge came, but no code is asked for.
        TooManyRequests: too many flows from this address, or altogether.
        ServiceUnavailable: the provider does not answer.
        ProviderError: what it answers cannot be used.
    """
    provider, auth = oauth.provider(name), oauth.auth
    await auth.count(OAUTH_START_ADDRESS, rate_limit_network(client.address))
    await auth.count(OAUTH_START_SERVICE, "all")
    allowed = oauth.settings.return_addresses
    return_to = wish.return_to if wish.return_to is not None else next(iter(allowed), None)
    if return_to is None or return_to not in allowed:
        raise ReturnAddressRefused
    if wish.code_challenge is not None and wish.response_type != "code":
        raise InvalidRequest
    secrets = FlowSecrets(state=new_secret(), browser=new_secret())
    address = await provider.authorization_url(oauth.exchange(name, secrets))
    async with auth.database.transaction() as session:
        await session.execute(
            insert(OAuthFlow).values(
                state_hash=hash_secret(secrets.state),
                browser_hash=hash_secret(secrets.browser),
                provider=name,
                purpose=wish.purpose,
                session_id=wish.session_id,
                return_to=return_to,
                response_type=wish.response_type,
                code_challenge=wish.code_challenge,
                client_state=wish.state,
                scope=wish.scope,
                expires_at=auth.clock.now() + FLOW_LIFETIME,
            )
        )
    return secrets, address


async def finish(
    oauth: OAuth, name: str, secrets: FlowSecrets | None, callback: Callback, client: Client
) -> Finished:
    """Take the browser back from a provider.

    Args:
        oauth: what the flow works with.
        name: of the provider whose address the browser came to.
        secrets: the state of that address and the cookie that goes with it; None: one is missing.
        callback: what else came.
        client: who asks.

    Raises:
        InvalidGrant: no such flow, in this browser, at this provider, for the first time.
        AppError: as `Provider.identify`, `identities` and `start_session`.
    """
    oauth.provider(name)
    await oauth.auth.count(OAUTH_FINISH_ADDRESS, rate_limit_network(client.address))
    try:
        if secrets is None or not SECRET_FORM.fullmatch(secrets.state):
            raise InvalidGrant
        async with oauth.auth.database.transaction() as session:
            flow = await repository.take_flow(
                session, name, secrets.state, secrets.browser, oauth.auth.clock.now()
            )
        if flow is None:
            raise InvalidGrant
        identity = await oauth.provider(name).identify(oauth.exchange(name, secrets), callback)
        return await _let_in(oauth.auth, flow, identity, client)
    except AppError as error:
        metrics.login(outcome="refused")
        security_event(
            "provider_login_failed", provider=name, reason=error.error, address=client.address
        )
        raise


async def _let_in(auth: Auth, flow: OAuthFlow, identity: Identity, client: Client) -> Finished:
    if flow.purpose == "link":
        await identities.link(auth, flow.session_id, flow.provider, identity)
        return Finished(flow.return_to)
    account = await identities.find_or_make_account(auth, flow.provider, identity)
    if flow.response_type == "code":
        return Finished(flow.return_to, code=await give_code(auth, flow, account))
    tokens = await start_session(auth, account, flow.scope, client)
    metrics.login(outcome="accepted")
    if flow.session_id is not None:
        # Its cookie is about to be replaced: nobody could end that session here any more.
        await logout.log_out(auth, flow.session_id, "replaced")
    return Finished(flow.return_to, tokens=tokens)
