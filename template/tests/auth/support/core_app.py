# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A small service on the core alone, with routes that do what a test needs to see handled."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import httpx2
from fastapi import APIRouter, Depends, FastAPI, Form, Header, HTTPException, WebSocket
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, EmailStr, SecretStr
from starlette.responses import HTMLResponse

from app.core.application import create_app
from app.core.errors import Forbidden, TooManyRequests
from app.core.settings import CoreSettings

SECRET_KEY = "tests-only-Kx3vQm8ZrT1wYb6NcJ5hLd0sGf"
METRICS_TOKEN = "tests-only-metrics-9fQ2vLx7KcWm4Zt1RbY8"
ORIGIN = "https://testserver"
# Sent in every place that must not come back or be logged.
CANARY = "canary-4711"


class Colour(Enum):
    """An enumeration: its error message would repeat what was sent."""

    RED = "red"


class Thing(BaseModel):
    """A body with every kind of field whose default error echoes it."""

    model_config = ConfigDict(extra="forbid")

    email: EmailStr
    password: SecretStr
    colour: Colour
    number: int


router = APIRouter(prefix="/core")


@router.post("/thing")
async def take_thing(thing: Thing) -> dict[str, str]:
    """Take a model."""
    return {"email": thing.email}


@router.post("/two")
async def take_two(first: Thing, second: Thing) -> dict[str, str]:
    """Take two models, each under its own name."""
    return {"first": first.email, "second": second.email}


@router.post("/numbers")
async def take_numbers(numbers: dict[str, int]) -> int:
    """Take a dictionary, whose keys are the sender's."""
    return len(numbers)


@router.post("/form")
async def take_form(text: Annotated[str, Form()]) -> int:
    """Take a form."""
    return len(text)


@router.get("/query")
async def take_query(limit: int, x_page: Annotated[int, Header()] = 1) -> int:
    """Take a query parameter and a header."""
    return limit + x_page


@router.post("/unread")
async def leave_unread() -> None:
    """Read no body."""


@router.get("/unforeseen")
async def fail() -> None:
    """Fail as nobody foresaw."""
    raise RuntimeError(CANARY)


@router.get("/teapot")
async def teapot() -> None:
    """Answer as users of FastAPI do."""
    raise HTTPException(418, detail=CANARY, headers={"X-Tea": "green"})


@router.get("/slow-down")
async def slow_down() -> None:
    """Answer that a limit is used up."""
    raise TooManyRequests(7)


@router.get("/own-policy")
async def own_policy() -> HTMLResponse:
    """Answer with a policy of its own."""
    return HTMLResponse("", headers={"Content-Security-Policy": "default-src 'self'"})


@router.websocket("/refused")
async def refuse_socket(socket: WebSocket) -> None:
    """Refuse before the handshake."""
    raise Forbidden


@router.websocket("/dropped")
async def drop_socket(socket: WebSocket, limit: int) -> None:
    """Fail after the handshake."""
    await socket.accept()
    raise Forbidden


@router.get("/auth-like")
async def nothing() -> None:
    """Answer nothing."""


auth_router = APIRouter(prefix="/auth", routes=[APIRoute("/nothing", nothing)])


def core_settings(directory: Path, **overrides: Any) -> CoreSettings:
    """Return settings that the developer's own environment does not touch."""
    values: dict[str, Any] = {
        "secret_key": SECRET_KEY,
        "metrics_token": METRICS_TOKEN,
        "database_url": f"sqlite+aiosqlite:///{directory / 'core.db'}",
        "allowed_hosts": ["testserver"],
        "log_level": "INFO",
        "_env_file": None,
    }
    return CoreSettings(**(values | overrides))


def core_app(directory: Path, **overrides: Any) -> FastAPI:
    """Return a service without any authentication."""

    @asynccontextmanager
    async def runtime(app: FastAPI) -> AsyncGenerator[None, None]:
        yield

    return create_app(
        core_settings(directory, **overrides),
        title="Core <test>",
        authenticate=Depends(lambda: None),
        guard=lambda app: None,
        runtime=runtime,
        protected=[router],
        public=[auth_router],
    )


@asynccontextmanager
async def core_client(
    directory: Path, **overrides: Any
) -> AsyncGenerator[httpx2.AsyncClient, None]:
    """Run such a service and give a client to it."""
    app = core_app(directory, **overrides)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client,
    ):
        yield client
