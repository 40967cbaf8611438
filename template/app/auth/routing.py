# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The router of routes that authenticate first, before FastAPI has looked at anything else.

FastAPI's way costs a dependency for the router, one for the route and one for each scheme of the
documentation. Here a route takes them out of what it serves, does their work itself, and leaves
them where the documentation, the guard and the route rule read them. A route that it does not
fully understand, and every request while something is overridden, goes FastAPI's way.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import wraps
from inspect import (
    isasyncgenfunction,
    iscoroutinefunction,
    isfunction,
    isgeneratorfunction,
    unwrap,
)
from typing import Any

import fastapi
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, _effective_route_context_var
from starlette.requests import Request
from starlette.responses import Response

from app.auth.dependencies import get_current_user, identify, known_principal, require_scopes

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_CONNECTION = "gatehouse_connection"  # the request, on its way to the endpoint's own arguments


class AuthenticatedRoute(APIRoute):
    """A route whose callers are known before its body is read and its dependencies run."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request; called for each place where the route is included."""
        plain: Handler = super().get_route_handler()
        context = _effective_route_context_var.get()
        # An included route is served by a copy of itself with the routers' dependencies in it.
        included = context is not None and context.original_route is self
        served: Any = context if included else self
        whole: Dependant = served.dependant
        guards = [one for one in whole.dependencies if one.call is get_current_user]
        if not guards or not _is_plain(whole.call):
            return plain
        served.dependant = _without_guards(whole, guards)
        try:
            inner: Handler = super().get_route_handler()
        finally:
            served.dependant = whole
        scopes = [_scopes_of(guard) for guard in guards]
        return _authenticated(plain, inner, scopes, served.dependency_overrides_provider)


class APIRouter(fastapi.APIRouter):
    """FastAPI's router, used in the same way; its routes authenticate first.

    Args:
        route_class: another class of routes; they authenticate as dependencies do.
    """

    def __init__(self, *, route_class: type[APIRoute] = AuthenticatedRoute, **options: Any) -> None:
        super().__init__(route_class=route_class, **options)


def _authenticated(
    plain: Handler, inner: Handler, required: Sequence[Sequence[str]], app: Any
) -> Handler:
    async def handle(request: Request) -> Response:
        # Who overrides a dependency, in a test, gets FastAPI's own handling of it.
        if app is not None and app.dependency_overrides:
            return await plain(request)
        principal = await identify(request)
        for scopes in required:
            require_scopes(principal, scopes)
        return await inner(request)

    return handle


def _without_guards(whole: Dependant, guards: Sequence[Dependant]) -> Dependant:
    """Return what is left to FastAPI: all but the guards, whose result the endpoint still gets."""
    names = [guard.name for guard in guards if guard.name is not None]
    left = [one for one in whole.dependencies if one.call is not get_current_user]
    if not names or whole.call is None:
        return replace(whole, dependencies=left)
    parameter = whole.http_connection_param_name
    return replace(
        whole,
        dependencies=left,
        http_connection_param_name=parameter or _CONNECTION,
        call=_with_principal(whole.call, names, parameter),
    )


def _with_principal(
    endpoint: Callable[..., Any], names: Sequence[str], parameter: str | None
) -> Callable[..., Any]:
    """Return an endpoint that takes the caller from the request."""

    def arguments(values: dict[str, Any]) -> dict[str, Any]:
        request = values[parameter] if parameter else values.pop(_CONNECTION)
        principal = known_principal(request)
        for name in names:
            values[name] = principal
        return values

    if iscoroutinefunction(endpoint):

        @wraps(endpoint)
        async def call(**values: Any) -> Any:
            return await endpoint(**arguments(values))

        return call

    @wraps(endpoint)
    def call_in_thread(**values: Any) -> Any:
        return endpoint(**arguments(values))

    return call_in_thread


def _scopes_of(guard: Dependant) -> tuple[str, ...]:
    return (*(guard.parent_oauth_scopes or ()), *(guard.own_oauth_scopes or ()))


def _is_plain(call: Callable[..., Any] | None) -> bool:
    """Tell whether an endpoint is a function that returns, and no stream."""
    if not isfunction(call):
        return False
    return not any(
        isgeneratorfunction(one) or isasyncgenfunction(one) for one in (call, unwrap(call))
    )
