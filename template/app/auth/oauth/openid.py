# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Any OpenID provider: found by discovery, believed for what its ID token proves.

The checks are those of OpenID Connect Core section 3.1.3.7, with Authlib and joserfc.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jws, jwt
from joserfc.errors import JoseError

from app.auth.oauth.discovery import Kept, Keys, Metadata, fetch_keys, fetch_metadata
from app.auth.oauth.errors import ProviderError
from app.auth.oauth.http import asking, authorization_url, get_json, redeem_code
from app.auth.oauth.provider import Callback, Exchange, Identity, log
from app.auth.schemas import parse_email

SCOPE = "openid email"
# Signatures with public keys only: no "none", and no secret that two sides share.
ALGORITHMS = ("RS256", "PS256", "ES256")
LEEWAY_SECONDS = 30  # clocks of two hosts may differ by this much
MAX_AGE = timedelta(minutes=10)  # of an ID token: it was made for this flow, which is not older
MAX_SUBJECT_CHARACTERS = 255  # OpenID Connect Core section 2


@dataclass
class OpenIDProvider:
    """A provider that is known by its issuer.

    Args:
        name: in our own addresses.
        issuer: exactly as the provider writes it.
        client_id: what the provider calls this service.
        client_secret: proves it.
        production: whether only https will do.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str
    production: bool
    _metadata: Kept[Metadata] | None = field(default=None, init=False, repr=False)
    _keys: Kept[Keys] | None = field(default=None, init=False, repr=False)
    _keys_at: str = field(default="", init=False, repr=False)

    async def authorization_url(self, exchange: Exchange) -> str:
        """Return where the browser goes, with state, nonce and PKCE S256."""
        metadata = await self._known(exchange)
        return authorization_url(
            exchange,
            metadata.authorization_endpoint,
            self.client_id,
            SCOPE,
            nonce=exchange.secrets.nonce,
        )

    async def identify(self, exchange: Exchange, callback: Callback) -> Identity:
        """Return who came back; see `Provider.identify` for what it raises."""
        metadata = await self._known(exchange)
        callback.require_issuer(self.issuer, always=metadata.names_itself)
        code = callback.require_code(self.name)
        with asking(self.name):
            token = await redeem_code(
                exchange,
                code,
                endpoint=metadata.token_endpoint,
                client_id=self.client_id,
                client_secret=self.client_secret,
                basic=metadata.basic,
            )
            claims = await self._verify(exchange, metadata, token)
            if "email" not in claims and metadata.userinfo_endpoint:
                claims |= await self._ask_for_email(exchange, metadata, token, claims["sub"])
        email = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(self.issuer, claims["sub"], parse_email(str(email or "")) or None)

    async def _known(self, exchange: Exchange) -> Metadata:
        if self._metadata is None:
            transport = exchange.transport
            self._metadata = Kept(
                lambda: fetch_metadata(transport, self.issuer, production=self.production)
            )
        return await self._metadata.get(exchange.now)

    async def _verify(
        self, exchange: Exchange, metadata: Metadata, token: dict[str, Any]
    ) -> dict[str, Any]:
        id_token = token["id_token"]
        kid = jws.extract_compact(id_token.encode()).headers().get("kid")
        if self._keys is None or self._keys_at != metadata.jwks_uri:
            self._keys_at = metadata.jwks_uri
            self._keys = Kept(lambda: fetch_keys(exchange.transport, metadata.jwks_uri))
        keys = await self._keys.get(exchange.now, wanted=lambda known: kid in known)
        try:
            return verify_id_token(
                id_token,
                keys,
                issuer=self.issuer,
                client_id=self.client_id,
                nonce=exchange.secrets.nonce,
                access_token=token["access_token"],
                now=exchange.now,
            )
        except JoseError as error:
            log.warning("id_token_refused", provider=self.name, reason=type(error).__name__)
            raise ProviderError from error

    async def _ask_for_email(
        self, exchange: Exchange, metadata: Metadata, token: dict[str, Any], subject: str
    ) -> dict[str, Any]:
        """Return the claims of UserInfo, which are worth nothing for another subject."""
        address = str(metadata.userinfo_endpoint)
        claims = await get_json(exchange.transport, address, bearer=token["access_token"])
        # OpenID Connect Core section 5.3.2: tokens could have been substituted.
        if claims["sub"] != subject:
            raise ValueError("UserInfo is about somebody else")
        return {name: claims[name] for name in ("email", "email_verified") if name in claims}


def verify_id_token(
    id_token: str,
    keys: Keys,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str,
    now: datetime,
) -> dict[str, Any]:
    """Return the claims of an ID token that was made for this client and this flow.

    Raises:
        JoseError: a check failed.
        ValueError: it has not the form of one.
    """
    kid = jws.extract_compact(id_token.encode()).headers().get("kid")
    key = keys.get(kid) if kid in keys or len(keys) != 1 or kid else next(iter(keys.values()))
    if key is None:
        raise ValueError("no such key")
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    decoded = jwt.decode(id_token, key, registry=registry)
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "nonce": {"essential": True, "value": nonce},
    }
    given = {"client_id": client_id, "nonce": nonce, "access_token": access_token}
    claims = CodeIDToken(decoded.claims, decoded.header, options, given)
    claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    # Stricter than the library: no second audience, and no old token.
    if claims["aud"] not in (client_id, [client_id]):
        raise ValueError("another audience too")
    if now.timestamp() - claims["iat"] > MAX_AGE.total_seconds():
        raise ValueError("not made for this flow")
    if not 0 < len(claims["sub"]) <= MAX_SUBJECT_CHARACTERS or not claims["sub"].isprintable():
        raise ValueError("no usable subject")
    return dict(claims)
