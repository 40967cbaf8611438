# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the routes read from a request besides its body."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request

from app.auth.cookies import DEVICE_COOKIE, REFRESH_COOKIE, require_same_origin
from app.auth.runtime import Auth, get_auth
from app.auth.schemas import MAX_SECRET_CHARACTERS, RefreshRequest
from app.auth.service import Client
from app.core.client_address import client_address
from app.core.errors import InvalidRequest

MAX_USER_AGENT_CHARACTERS = 256  # as much as the list of sessions shows


async def _get_auth(connection: HTTPConnection) -> Auth:
    return get_auth(connection)


async def _get_client(connection: HTTPConnection) -> Client:
    return Client(
        address=client_address(connection, get_auth(connection).settings),
        user_agent=_user_agent(connection.headers.get("user-agent", "")),
        device=connection.cookies.get(DEVICE_COOKIE),
    )


def _user_agent(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:MAX_USER_AGENT_CHARACTERS]


async def _require_single_fields(request: Request) -> None:
    """Refuse a form with a field that came twice (RFC 6749 section 3.2); each reader takes another.

    Raises:
        InvalidRequest: one did.
    """
    names = [name for name, _ in (await request.form()).multi_items()]
    if len(names) != len(set(names)):
        raise InvalidRequest


AuthParts = Annotated[Auth, Depends(_get_auth)]
RequestClient = Annotated[Client, Depends(_get_client)]
SingleFields = Depends(_require_single_fields)


def presented_refresh_token(
    connection: HTTPConnection, auth: Auth, body: RefreshRequest | None
) -> tuple[str | None, bool]:
    """Return the refresh token of the body or the cookie, and whether it was the cookie.

    Raises:
        InvalidRequest: both came, or the cookie is too long for one of ours.
        CrossOriginRequest: the cookie came from a page of another origin.
    """
    cookie = connection.cookies.get(REFRESH_COOKIE)
    if cookie is None:
        return (body.refresh_token if body else None), False
    if body is not None or len(cookie) > MAX_SECRET_CHARACTERS:
        raise InvalidRequest
    require_same_origin(connection, auth)
    return cookie, True
