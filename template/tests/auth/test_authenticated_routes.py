# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A route authenticates by itself, whatever its endpoint looks like; FastAPI's ways still work."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import fastapi.dependencies.utils
import fastapi.routing
import httpx2
import pytest
from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from app.auth import APIRouter, CurrentUser, Principal, get_current_user, requires
from app.auth.routing import AuthenticatedRoute
from tests.auth.support.answers import UNAUTHENTICATED, problem
from tests.auth.support.credentials import Tokens
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

READS, WRITES = "items:read", "items:write"


class Note(BaseModel):
    """A body."""

    text: str


async def in_a_dependency(user: CurrentUser) -> str:
    """Stand for a dependency of a route that asks who calls."""
    return str(user.account_id)


router = APIRouter(prefix="/forms")


@router.get("/plain")
async def plain(user: CurrentUser) -> str:
    """Answer, as all of these do, with the id of the caller."""
    return str(user.account_id)


@router.get("/thread")
def thread(user: CurrentUser) -> str:
    """Run in a thread."""
    return str(user.account_id)


@router.get("/request")
async def with_request(request: Request, user: CurrentUser) -> str:
    """Take the request too."""
    return str(user.account_id) if request.url.path == "/forms/request" else "no"


@router.get("/connection")
async def with_connection(connection: HTTPConnection, user: CurrentUser) -> str:
    """Take what the caller is handed over in."""
    return str(user.account_id) if connection.url.path == "/forms/connection" else "no"


@router.get("/twice", dependencies=[requires(READS)])
async def twice(user: CurrentUser, again: Annotated[Principal, requires(WRITES)]) -> str:
    """Take the caller twice."""
    return str(user.account_id) if user is again else "no"


@router.get("/dependency")
async def dependency(caller: Annotated[str, Depends(in_a_dependency)]) -> str:
    """Leave the caller to a dependency."""
    return caller


@router.get("/stream", response_class=StreamingResponse)
async def stream(user: CurrentUser) -> AsyncIterator[str]:
    """Answer piece by piece."""
    yield f'"{user.account_id}"'


@router.post("/body")
async def body(user: CurrentUser, note: Note) -> str:
    """Take a body."""
    return str(user.account_id) if note.text else "no"


@router.get("/nobody")
async def nobody() -> str:
    """Ask for nobody."""
    return "somebody"


own = APIRouter(prefix="/own", route_class=APIRoute)
own.get("/class")(plain)
inner = APIRouter(prefix="/inner")
inner.get("/deep")(plain)
outer = APIRouter(prefix="/outer", dependencies=[requires(WRITES)])
outer.include_router(inner)

FORMS = (
    "/forms/plain", "/forms/thread", "/forms/request", "/forms/connection", "/forms/twice",
    "/forms/dependency", "/forms/stream", "/own/class", "/outer/inner/deep",
)  # fmt: skip


@pytest.fixture
async def service(fresh_service: FreshService) -> Service:
    """The service with the routes of this file among its protected ones."""
    service = await fresh_service()
    for each in (router, own, outer):
        service.app.include_router(each, dependencies=[Depends(get_current_user)])
    return service


async def ask(service: Service, path: str, tokens: Tokens | None) -> httpx2.Response:
    """Ask one route."""
    return await service.client.get(path, headers=tokens.bearer if tokens else {})


@pytest.mark.parametrize("path", FORMS)
async def test_an_endpoint_of_any_form_gets_its_caller_and_nobody_else_gets_in(
    service: Service, path: str
) -> None:
    user = await service.account()
    tokens = await service.login(user)
    assert problem(await ask(service, path, None)) == UNAUTHENTICATED
    answer = await ask(service, path, tokens)
    assert (answer.status_code, answer.json()) == (200, str(user.id))


async def test_a_route_that_asks_for_nobody_is_closed_by_its_router(service: Service) -> None:
    tokens = await service.login(await service.account())
    assert problem(await ask(service, "/forms/nobody", None)) == UNAUTHENTICATED
    assert (await ask(service, "/forms/nobody", tokens)).status_code == 200


@pytest.mark.parametrize(
    ("path", "scope"),
    [("/forms/twice", READS), ("/forms/twice", WRITES), ("/outer/inner/deep", READS)],
)
async def test_every_scope_on_the_way_to_a_route_is_required(
    service: Service, path: str, scope: str
) -> None:
    tokens = await service.login(await service.account(), scope)
    assert problem(await ask(service, path, tokens)) == (403, "insufficient_scope")


async def test_who_is_not_known_is_refused_before_the_body_is_read(service: Service) -> None:
    tokens = await service.login(await service.account())
    headers = {"Content-Type": "application/json"}
    answer = await service.client.post("/forms/body", content=b"{", headers=headers)
    assert problem(answer) == UNAUTHENTICATED
    headers |= tokens.bearer
    answer = await service.client.post("/forms/body", content=b"{", headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("path", FORMS)
async def test_who_overrides_the_caller_in_a_test_gets_that_caller(
    service: Service, path: str
) -> None:
    user = await service.account()
    somebody = Principal(user.id, frozenset(), None, None, 0)
    service.app.dependency_overrides[get_current_user] = lambda: somebody
    answer = await ask(service, path, None)
    assert (answer.status_code, answer.json()) == (200, str(user.id))
    del service.app.dependency_overrides[get_current_user]
    assert problem(await ask(service, path, None)) == UNAUTHENTICATED


async def test_a_caller_costs_a_route_no_dependency(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = await service.login(await service.account())
    solved: list[Any] = []
    solve = fastapi.dependencies.utils.solve_dependencies

    async def solve_and_count(**arguments: Any) -> Any:
        solved.append(arguments["dependant"].call)
        return await solve(**arguments)

    for module in (fastapi.dependencies.utils, fastapi.routing):
        monkeypatch.setattr(module, "solve_dependencies", solve_and_count)
    assert (await ask(service, "/forms/twice", tokens)).status_code == 200
    assert len(solved) == 1  # the endpoint itself, as in a route without authentication


def test_the_routes_of_a_router_are_of_this_kind() -> None:
    assert {type(route) for route in (*router.routes, *inner.routes)} == {AuthenticatedRoute}
    assert {type(route) for route in own.routes} == {APIRoute}
