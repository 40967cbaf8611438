# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The devices on which an account is logged in."""

from uuid import UUID

from fastapi import APIRouter

from app.auth import logout, repository
from app.auth.dependencies import CurrentUser
from app.auth.routes.requests import AuthParts
from app.auth.schemas import SessionView
from app.core.problem_schema import problems

router = APIRouter(prefix="/auth/sessions", tags=["auth"])


@router.get("", responses=problems(400, 401, 503))
async def list_sessions(auth: AuthParts, user: CurrentUser) -> list[SessionView]:
    """List the living sessions of this account, the latest used first."""
    async with auth.database.read() as session:
        rows = await repository.living_sessions(session, user.account_id, auth.clock.now())
    return [
        SessionView(
            id=row.id,
            current=row.id == user.session_id,
            created_at=row.created_at,
            last_refreshed_at=row.last_refreshed_at,
            expires_at=min(row.idle_expires_at, row.absolute_expires_at),
            user_agent=row.user_agent,
            ip=row.ip,
        )
        for row in rows
    ]


@router.delete("/{session_id}", status_code=204, responses=problems(400, 401, 404, 422, 503))
async def end_session(auth: AuthParts, user: CurrentUser, session_id: UUID) -> None:
    """End one session of this account."""
    await logout.log_out_other_session(auth, user.account_id, session_id)
