# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Is it alive, and may it get requests: for the platform, without a version or any detail."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from structlog.stdlib import get_logger

from app.core.errors import ServiceUnavailable
from app.core.public import public

# Raises when the thing it asks about does not answer.
Check = Callable[[], Awaitable[None]]

# Seconds for each check: below the time-out that platforms give a probe (Kubernetes and Compose:
# set 3 s or more).
CHECK_TIMEOUT = 2

_log = get_logger("app.health")

health_router = APIRouter(include_in_schema=False)


@health_router.get("/livez")
@public(reason="the platform asks without credentials; it says only that the process answers")
async def livez() -> dict[str, str]:
    """Answer that the process runs, and nothing else: a slow database must not restart it."""
    return {"status": "ok"}


@health_router.get("/readyz")
@public(reason="the platform asks without credentials; it says only yes or no")
async def readyz(request: Request) -> dict[str, str]:
    """Answer whether everything that requests need answers in time.

    Raises:
        ServiceUnavailable: Something does not; its name is in the log.
    """
    readiness: dict[str, Check] = request.app.state.readiness
    answers = await asyncio.gather(*(_passes(name, check) for name, check in readiness.items()))
    if not all(answers):
        raise ServiceUnavailable
    return {"status": "ok"}


async def _passes(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await check()
    except Exception:  # whatever it is, the service is not ready
        _log.warning("not_ready", check=name, exc_info=True)
        return False
    return True
