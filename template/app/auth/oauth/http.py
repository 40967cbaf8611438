# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""How providers are asked: with a bound on time and size, and without following redirects."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus

import httpx2
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]
from joserfc.errors import JoseError

from app.auth.oauth.errors import ProviderError
from app.auth.oauth.provider import Exchange, log, loggable
from app.core.errors import InvalidGrant, ServiceUnavailable

TIMEOUT_SECONDS = 5.0  # for a whole answer, however slowly it drips
MAX_RESPONSE_BYTES = 256 * 1024  # a set of keys has a few KiB
RETRY_SECONDS = 5
# The code was used, is too old, or is another client's; the second is GitHub's word for it.
CODE_REFUSED = frozenset({"invalid_grant", "bad_verification_code"})

# What comes of reading an answer that has not the shape it should have.
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Passes requests on and reads each answer at once, up to the bounds.

    Args:
        inner: talks to the network; one pool of connections for the process.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the whole answer.

        Raises:
            httpx2.TransportError: no answer, not in time, or too large.
        """
        # Compressed, a few KiB could become gigabytes.
        request.headers["Accept-Encoding"] = "identity"
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await self.inner.handle_async_request(request)
                try:
                    body = await self._read(response, request)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx2.ReadTimeout("no whole answer in time", request=request) from error
        return httpx2.Response(response.status_code, headers=response.headers, content=body)

    async def aclose(self) -> None:
        """Close the pool."""
        await self.inner.aclose()

    async def _read(self, response: httpx2.Response, request: httpx2.Request) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.DecodingError("compressed without being asked", request=request)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                raise httpx2.DecodingError("too large an answer", request=request)
        return bytes(body)


@contextmanager
def asking(provider: str) -> Generator[None, None, None]:
    """Turn whatever a provider does wrong into an error of ours; the log says what it was.

    Raises:
        ServiceUnavailable: it does not answer, or says that it cannot.
        InvalidGrant: the code is not, or no longer, good.
        ProviderError: its answer cannot be used, or it does not know this client.
    """
    try:
        yield
    except OAuthError as error:
        code = loggable(str(error.error))
        log.warning("provider_refused", provider=provider, code=code)
        raise InvalidGrant if code in CODE_REFUSED else ProviderError from error
    except httpx2.HTTPStatusError as error:
        status = error.response.status_code
        log.warning("provider_failed", provider=provider, status=status)
        if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status == httpx2.codes.TOO_MANY_REQUESTS:
            raise ServiceUnavailable(RETRY_SECONDS) from error
        raise ProviderError from error
    except httpx2.DecodingError as error:
        log.warning("provider_nonsense", provider=provider, reason=str(error))
        raise ProviderError from error
    except (httpx2.TransportError, OSError) as error:
        log.warning("provider_unreachable", provider=provider, error=type(error).__name__)
        raise ServiceUnavailable(RETRY_SECONDS) from error
    except (JoseError, httpx2.InvalidURL, *NONSENSE) as error:
        log.warning("provider_nonsense", provider=provider, reason=type(error).__name__)
        raise ProviderError from error


async def get_json(
    transport: httpx2.AsyncBaseTransport, address: str, bearer: str | None = None
) -> Any:
    """Return what is at an address, parsed."""
    headers = {"Accept": "application/json", "User-Agent": "gatehouse"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    # Not closed: the transport is the process's own. No proxies of the environment either, which
    # would be asked instead of it.
    client = httpx2.AsyncClient(transport=transport, trust_env=False, headers=headers)
    response = await client.get(address)
    response.raise_for_status()
    return response.json()


async def redeem_code(
    exchange: Exchange,
    code: str,
    *,
    endpoint: str,
    client_id: str,
    client_secret: str,
    basic: bool,
) -> dict[str, Any]:
    """Exchange a provider's code for its tokens, with this flow's verifier (RFC 7636)."""
    if basic:
        # RFC 6749 section 2.3.1 asks for this encoding; the library leaves it out.
        client_id, client_secret = quote_plus(client_id), quote_plus(client_secret)
    client = AsyncOAuth2Client(
        client_id,
        client_secret,
        token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
        redirect_uri=exchange.redirect_uri,
        transport=exchange.transport,
        trust_env=False,
    )
    token: dict[str, Any] = await client.fetch_token(
        endpoint,
        grant_type="authorization_code",
        code=code,
        code_verifier=exchange.secrets.code_verifier,
    )
    if not isinstance(token.get("access_token"), str):
        raise ValueError("no access token")
    return token


def authorization_url(
    exchange: Exchange, endpoint: str, client_id: str, scope: str, **parameters: str
) -> str:
    """Return an authorization request with state and PKCE S256."""
    client = AsyncOAuth2Client(
        client_id,
        redirect_uri=exchange.redirect_uri,
        scope=scope,
        code_challenge_method="S256",
        transport=exchange.transport,
        trust_env=False,
    )
    url, _ = client.create_authorization_url(
        endpoint,
        state=exchange.secrets.state,
        code_verifier=exchange.secrets.code_verifier,
        **parameters,
    )
    return str(url)
