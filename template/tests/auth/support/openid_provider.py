# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""An OpenID provider in this process: it checks PKCE and clients, and misbehaves when told to."""

import secrets
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.auth.support.clock import MovableClock
from tests.auth.support.oauth_browser import Person, query_of

Claims = dict[str, Any]
LIFETIME = 300  # seconds


@dataclass
class Granted:
    """What a code stands for."""

    person: Person
    nonce: str
    challenge: str
    redirect_uri: str


@dataclass
class OpenIDProvider:
    """A provider with one client.

    Args:
        name: in the service's addresses.
        issuer: its own.
    """

    name: str
    issuer: str
    clock: MovableClock = field(default_factory=MovableClock)
    codes: dict[str, Granted] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client_id = f"client of {self.name}"
        self.client_secret = f"+/ :%&{secrets.token_urlsafe()}"
        path = urlsplit(self.issuer).path.rstrip("/")
        routes = [
            Route(f"{path}/.well-known/openid-configuration", self._configuration),
            Route(f"{path}/jwks", self._jwks),
            Route(f"{path}/token", self._token, methods=["POST"]),
            Route(f"{path}/userinfo", self._userinfo),
        ]
        self.apps: Mapping[str, ASGIApp] = {
            urlsplit(self.issuer).hostname or "": Starlette(routes=routes)
        }
        prefix = self.name
        self.settings: Mapping[str, str] = {
            f"{prefix}_client_id": self.client_id,
            f"{prefix}_client_secret": self.client_secret,
        } | ({"oidc_issuer": self.issuer} if prefix == "oidc" else {})
        self.reset()

    def reset(self) -> None:
        """Behave well again, with one key."""
        self.forgets_codes = True
        self.keys = [self.new_key()]
        self.claims: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] = self.sign_well
        self.issuer_parameter: str | None = self.issuer
        self.document: Claims = {}
        self.email_in_userinfo = False
        self.userinfo: Claims = {}

    def new_key(self) -> ECKey:
        """Return a key that is not published yet."""
        parameters = {"kid": secrets.token_hex(4), "use": "sig", "alg": "ES256"}
        return ECKey.generate_key("P-256", parameters)  # type: ignore[arg-type]

    def sign_well(self, claims: Claims) -> str:
        """Sign with the newest key."""
        key = self.keys[-1]
        return jwt.encode({"alg": "ES256", "kid": key.kid or ""}, claims, key)

    def authorize(self, address: str, person: Person) -> str:
        """Let a person log in; PKCE is required."""
        assert address.startswith(f"{self.issuer}/authorize?")
        asked = query_of(address)
        assert (asked["response_type"], asked["client_id"]) == ("code", self.client_id)
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"].split()[0] == "openid"
        code = secrets.token_urlsafe()
        self.codes[code] = Granted(
            person, asked["nonce"], asked["code_challenge"], asked["redirect_uri"]
        )
        given = {"code": code, "state": asked["state"]}
        if self.issuer_parameter is not None:
            given["iss"] = self.issuer_parameter
        return f"{asked['redirect_uri']}?{urlencode(given)}"

    async def _configuration(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "authorization_response_iss_parameter_supported": True,
                **self.document,
            }
        )

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse(KeySet(list(self.keys)).as_dict(private=False))

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        if not self._is_client(request.headers.get("authorization", "")):
            return JSONResponse({"error": "invalid_client"}, 401)
        granted = self.codes.get(form["code"])
        if self.forgets_codes:
            self.codes.pop(form["code"], None)
        verifier = create_s256_code_challenge(form.get("code_verifier", ""))
        if (
            granted is None
            or verifier != granted.challenge
            or form["redirect_uri"] != granted.redirect_uri
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        access_token = secrets.token_urlsafe()
        self.people[access_token] = granted.person
        iat = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": granted.person.subject,
            "nonce": granted.nonce,
            "iat": iat,
            "exp": iat + LIFETIME,
        } | ({} if self.email_in_userinfo else _email_claims(granted.person))
        id_token = self.sign(self.claims(claims))
        tokens = {"access_token": access_token, "refresh_token": "kept-nowhere"}
        return JSONResponse({**tokens, "token_type": "Bearer", "id_token": id_token})

    async def _userinfo(self, request: Request) -> Response:
        person = self.people[request.headers["authorization"].removeprefix("Bearer ")]
        return JSONResponse({"sub": person.subject, **_email_claims(person), **self.userinfo})

    def _is_client(self, authorization: str) -> bool:
        credentials = b64decode(authorization.removeprefix("Basic ")).decode()
        name, _, secret = credentials.partition(":")
        return (unquote_plus(name), unquote_plus(secret)) == (self.client_id, self.client_secret)


def _email_claims(person: Person) -> Claims:
    if person.email is None:
        return {}
    return {"email": person.email, "email_verified": person.verified}
