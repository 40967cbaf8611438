# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Routes that say who is calling, so that a test of credentials needs none of yours."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, WebSocket

from app.auth import CurrentAccount, CurrentUser, Principal, get_current_user, requires
from app.core.clock import Clock
from app.main import create
from app.settings import Settings

SCOPES = {"probe:read": "Read for a test.", "probe:write": "Write for a test."}
ALL = "probe:read probe:write"


def with_probe(app: FastAPI) -> FastAPI:
    """Add the routes to an app; the scopes above must be declared in app/scopes.py by then."""
    router = APIRouter(prefix="/probe")
    _add_reports(router)
    _add_demands(router)
    app.include_router(router, dependencies=[Depends(get_current_user)])
    return app


def create_with_probe(settings: Settings, clock: Clock) -> FastAPI:
    """Return the app as production builds it, with the routes beside it."""
    return with_probe(create(settings, clock))


def _add_reports(router: APIRouter) -> None:
    """Add what says who is calling."""

    @router.get("")
    async def who(user: CurrentUser) -> dict[str, Any]:
        return {
            "subject": user.subject,
            "scopes": sorted(user.scopes),
            "kind": user.kind,
            "key_id": user.key_id,
        }

    @router.get("/account")
    async def account(row: CurrentAccount) -> str:
        return str(row.id)

    @router.websocket("/socket")
    async def socket(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        await websocket.send_text(user.subject)
        await websocket.close()


def _add_demands(router: APIRouter) -> None:
    """Add what asks for a scope or a kind of credential."""

    @router.get("/read", dependencies=[requires("probe:read")])
    async def read() -> str:
        return "read"

    @router.get("/write", dependencies=[requires("probe:write")])
    async def write() -> str:
        return "written"

    @router.get("/people")
    async def people(user: Annotated[Principal, requires("probe:read", kinds={"user"})]) -> str:
        return user.kind

    @router.get("/machines", dependencies=[requires(kinds={"service_key"})])
    async def machines() -> str:
        return "machine"
