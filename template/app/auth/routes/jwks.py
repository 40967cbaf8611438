# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The public signing keys (RFC 7517), for other services that verify our access tokens."""

import hashlib
import json

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.auth.routes.requests import AuthParts
from app.core.public import public

MAX_AGE_SECONDS = 300  # short beside the 24 hours for which a key is published before it signs

router = APIRouter(tags=["auth"])


@router.get(
    "/.well-known/jwks.json",
    response_class=JSONResponse,
    responses={304: {"description": "Not modified"}},
)
@public(reason="Public keys are for everybody.")
async def show_jwks(request: Request, auth: AuthParts) -> Response:
    """Publish the keys that verify access tokens now, and the one that will sign next."""
    body = json.dumps({"keys": auth.keyring.published()}).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
