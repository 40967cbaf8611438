# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What somebody without a session can do: register, prove an address, reset a password."""

from fastapi import APIRouter

from app.auth import account_service, registration
from app.auth.routes.requests import AuthParts, RequestClient
from app.auth.schemas import (
    Accepted,
    EmailVerification,
    PasswordForgotten,
    PasswordReset,
    Registration,
)
from app.core.problem_schema import problems
from app.core.public import public

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/register", status_code=202, responses=problems(400, 422, 429, 503))
@public(reason="Who registers has no credentials yet; limited by address.")
async def register(auth: AuthParts, client: RequestClient, body: Registration) -> Accepted:
    """Ask for an account; the answer is the same whether or not the address has one."""
    await registration.register(auth, body.email, body.password, client.address)
    return Accepted()


@router.post("/email/verify", status_code=204, responses=problems(400, 422, 429, 503))
@public(reason="The mailed secret and the password are the credentials.")
async def verify_email(auth: AuthParts, client: RequestClient, body: EmailVerification) -> None:
    """Prove an address with the mailed secret and the password of that registration."""
    await registration.verify_email(auth, body.token, body.password, client.address)


@router.post("/password/forgot", status_code=202, responses=problems(400, 422, 429, 503))
@public(reason="Who forgot the password cannot log in; limited by address and recipient.")
async def forgot_password(
    auth: AuthParts, client: RequestClient, body: PasswordForgotten
) -> Accepted:
    """Ask for a code that sets a new password; the answer is the same for unknown addresses."""
    await account_service.forgot_password(auth, body.email, client.address)
    return Accepted()


@router.post("/password/reset", status_code=204, responses=problems(400, 422, 429, 503))
@public(reason="The mailed secret is the credential.")
async def reset_password(auth: AuthParts, client: RequestClient, body: PasswordReset) -> None:
    """Set a new password with the mailed secret; every session ends."""
    await account_service.reset_password(auth, body.token, body.password, client.address)
