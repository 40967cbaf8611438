# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the owner of an account can see and change."""

from fastapi import APIRouter, Depends, Response

from app.auth import account_service
from app.auth.cookies import clear_refresh_cookie
from app.auth.dependencies import CurrentAccount, require_recent_login
from app.auth.routes.requests import AuthParts
from app.auth.schemas import Accepted, AccountView, EmailChange, PasswordChange
from app.core.problem_schema import problems

router = APIRouter(prefix="/auth", tags=["auth"])


@router.get("/me", responses=problems(400, 401, 503))
async def show_account(account: CurrentAccount) -> AccountView:
    """Show this account as it is stored now."""
    return AccountView(
        id=account.id,
        email=account.email,
        email_verified=account.email_verified_at is not None,
        scope=account.scope,
        created_at=account.created_at,
    )


@router.delete(
    "/me",
    status_code=204,
    dependencies=[Depends(require_recent_login)],
    responses=problems(400, 401, 503),
)
async def delete_account(response: Response, auth: AuthParts, account: CurrentAccount) -> None:
    """Delete this account; needs a login of the last 10 minutes."""
    await account_service.delete_account(auth, account)
    clear_refresh_cookie(response)


@router.post("/password/change", status_code=204, responses=problems(400, 401, 422, 429, 503))
async def change_password(
    response: Response, auth: AuthParts, account: CurrentAccount, body: PasswordChange
) -> None:
    """Set a new password with the current one; every session ends, this one too."""
    await account_service.change_password(auth, account, body.current_password, body.password)
    clear_refresh_cookie(response)


@router.post(
    "/email/change",
    status_code=202,
    dependencies=[Depends(require_recent_login)],
    responses=problems(400, 401, 422, 429, 503),
)
async def change_email(auth: AuthParts, account: CurrentAccount, body: EmailChange) -> Accepted:
    """Ask for another address; it counts once the code mailed to it comes to /auth/email/verify."""
    await account_service.request_email_change(auth, account, body.email)
    return Accepted()
