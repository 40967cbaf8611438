"""A JWT as the FastAPI tutorial checks it, without any way to revoke it: HS256 or RS256."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import uuid4

import jwt
from common import TOKENS, print_headers
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer

ALGORITHM = os.environ["BENCH_ALGORITHM"]
VERIFY_WITH = os.environ.get("BENCH_KEY", "")  # a secret, or a public key as PEM text

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


async def current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    """Return the subject of a valid token."""
    try:
        payload = jwt.decode(token, VERIFY_WITH, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from error
    subject: str = payload["sub"]
    return subject


@app.get("/ping")
async def ping(user: Annotated[str, Depends(current_user)]) -> dict[str, str]:
    """Answer who is known."""
    return {"answer": "pong"}


def new_key() -> tuple[str, str]:
    """Return what signs and what verifies."""
    if ALGORITHM == "HS256":
        return uuid4().hex * 2, ""
    key = rsa.generate_private_key(65537, 3072)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def new_tokens(sign_with: str) -> list[str]:
    """Return tokens of as many users."""
    expires = datetime.now(UTC) + timedelta(hours=1)
    claims = [{"sub": str(uuid4()), "jti": uuid4().hex, "exp": expires} for _ in range(TOKENS)]
    return [jwt.encode(each, sign_with, algorithm=ALGORITHM) for each in claims]


if __name__ == "__main__":
    print_headers([f"Bearer {token}" for token in new_tokens(os.environ["BENCH_SIGN_WITH"])])
