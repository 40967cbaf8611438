"""A rendered service with the same trivial route: everything that it always does, done.

With BENCH_PUBLIC the route is open, which shows what the service costs before it asks for a caller.
"""

import asyncio
import os
import sys
from datetime import timedelta
from uuid import uuid4

from common import TOKENS, print_headers

from app.auth import APIRouter, CurrentUser, api_key_administration, create_app, service_principals
from app.auth.models import Account
from app.auth.runtime import Auth
from app.auth.security import AccessClaims, sign_access_token
from app.core.application import Service
from app.core.public import public
from app.settings import Settings

guarded, opened = APIRouter(), APIRouter()


@guarded.get("/ping")
async def ping(user: CurrentUser) -> dict[str, str]:
    """Answer who is known."""
    return {"answer": "pong"}


@opened.get("/ping")
@public(reason="It shows what a service costs without authentication.")
async def ping_of_anybody() -> dict[str, str]:
    """Answer."""
    return {"answer": "pong"}


def create() -> Service:
    """Return the app."""
    if os.environ.get("BENCH_PUBLIC"):
        return create_app(Settings(), title="Benchmark", protected=[], public=[opened])
    return create_app(Settings(), title="Benchmark", protected=[guarded])


async def tokens_of(auth: Auth, lifetime: timedelta) -> list[str]:
    """Return access tokens of as many accounts, signed with the service's own key."""
    now = auth.clock.now().replace(microsecond=0)
    users = [uuid4() for _ in range(TOKENS)]
    async with auth.database.transaction() as session:
        for user in users:
            address = f"{user}@example.com"
            session.add(Account(id=user, email=address, email_verified_at=now, created_at=now))
    settings = auth.settings
    return [
        sign_access_token(
            AccessClaims(
                issuer=settings.issuer,
                subject=user,
                audience=settings.audience,
                client_id=settings.client_id,
                issued_at=now,
                expires_at=now + lifetime,
                token_id=uuid4().hex,
                session_id=uuid4(),
                version=0,
                auth_time=now,
                scope="items:read items:write",
            ),
            auth.keyring.signer(),
        )
        for user in users
    ]


async def key_of(auth: Auth) -> str:
    """Return an API key."""
    name = f"benchmark-{uuid4().hex[:8]}"
    await service_principals.create(auth, name, "")
    made = await api_key_administration.create_key(
        auth, f"svc:{name}", "benchmark", "", timedelta(days=1)
    )
    return made.text


async def main(kind: str) -> None:
    """Print the headers of callers: of one key, or of tokens."""
    app = create()
    async with app.router.lifespan_context(app):
        auth: Auth = app.state.auth
        if kind == "key":
            name, values = "X-API-Key", [await key_of(auth)]
        else:
            tokens = await tokens_of(auth, auth.settings.access_lifetime)
            name, values = "Authorization", [f"Bearer {token}" for token in tokens]
    print_headers(values, name)  # the last line, after whatever the service logs as it ends


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
