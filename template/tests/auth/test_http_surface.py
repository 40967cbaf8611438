# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What all routes have in common: methods, media types, reading without effect, lying headers."""

import json
from typing import Any

import httpx2
from sqlalchemy import select

from app.core.database import Base
from tests.auth.support.answers import problem
from tests.auth.support.credentials import SAME_ORIGIN, Tokens, User, new_email
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service

LIMITED = (429, "too_many_requests")
# Not in the document: what is for machines, and the documentation page itself.
OTHER_PATHS = ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/docs/assets/init.js")
JSON = "application/json"


async def operations(service: Service) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and description of every route of the template in the document."""
    document = (await service.client.get("/openapi.json")).json()
    return [
        (method.upper(), path.replace("{session_id}", "8c5ec7b4-53a4-4a4c-8d6b-4b4a6a0c7d11"), each)
        for path, methods in document["paths"].items()
        if path.startswith(("/auth/", "/.well-known/"))
        for method, each in methods.items()
    ]


async def everything_stored(service: Service) -> dict[str, list[str]]:
    """Return every row of every table, seen from outside."""
    async with service.database() as session:
        return {
            table.name: sorted(map(repr, await session.execute(select(table))))
            for table in Base.metadata.sorted_tables
        }


async def test_a_method_that_no_route_declared_is_refused(service: Service) -> None:
    paths = {path for _, path, _ in await operations(service)} | set(OTHER_PATHS)
    assert len(paths) > 15
    for method in ("TRACE", "TRACK", "CONNECT", "FOO"):
        for path in paths:
            response = await service.client.request(method, path)
            assert problem(response) == (405, "method_not_allowed"), (method, path)


async def test_reading_changes_nothing_that_is_stored(fresh_service: FreshService) -> None:
    service = await fresh_service()
    tokens = await service.login(await service.account())
    readable = [path for method, path, _ in await operations(service) if method == "GET"]
    before = await everything_stored(service)
    for path in (*readable, *OTHER_PATHS):
        for method in ("GET", "HEAD", "OPTIONS"):
            await service.client.request(method, path, headers=tokens.bearer)
    assert {"/auth/me", "/auth/sessions"} <= set(readable)
    assert before["auth_session"]
    assert await everything_stored(service) == before


async def test_json_is_read_only_from_what_a_foreign_page_cannot_send_unasked(
    service: Service, tokens: Tokens
) -> None:
    # A page may send these without a preflight; JSON under another name would get past it.
    simple = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")
    tried = 0
    for method, path, operation in await operations(service):
        if JSON not in operation.get("requestBody", {}).get("content", {}):
            continue
        for media_type in (JSON, *simple):
            headers = SAME_ORIGIN | tokens.bearer | {"Content-Type": media_type}
            response = await service.client.request(method, path, content=b"{}", headers=headers)
            assert problem(response) == (422, "invalid_content"), (path, media_type)
            # Members are missing only in what was read as an object.
            read = {each["type"] for each in response.json()["errors"]} == {"missing"}
            assert read is (media_type == JSON), (path, media_type)
            tried += 1
    assert tried >= 9 * 5


async def test_every_answer_says_truly_what_it_is_and_how_long(
    service: Service, account: User, tokens: Tokens
) -> None:
    form = {"username": account.email, "password": account.password}
    answers = [
        *[await service.client.get(path, headers=tokens.bearer) for path in OTHER_PATHS],
        await service.client.get("/auth/me", headers=tokens.bearer),
        await service.client.get("/auth/sessions", headers=tokens.bearer),
        await service.client.get("/auth/me"),
        await service.client.get("/nowhere"),
        await service.client.post("/auth/token", data=form),
        await service.client.post("/auth/token", data={}),
        await service.client.get("/docs/assets/swagger-ui.css"),
    ]
    for answer in answers:
        assert int(answer.headers["content-length"]) == len(answer.content), answer.url
        assert says_what_it_is(answer), (answer.url, answer.headers["content-type"])
    ended = await service.client.post("/auth/logout", headers=tokens.bearer)
    assert (ended.status_code, ended.content) == (204, b"")


def says_what_it_is(answer: httpx2.Response) -> bool:
    """Tell whether the media type of an answer fits its content, and a text names its encoding."""
    media_type = answer.headers["content-type"]
    if media_type in {JSON, "application/problem+json"}:
        return isinstance(json.loads(answer.content.decode("utf-8")), dict | list)
    return media_type.startswith("text/") and media_type.endswith("; charset=utf-8")


async def test_no_answer_says_which_software_made_it(service: Service) -> None:
    for path in (*OTHER_PATHS, "/nowhere", "/auth/me"):
        headers = (await service.client.get(path)).headers
        assert not {"server", "x-powered-by", "via"} & headers.keys(), path


async def test_a_request_without_tls_is_not_led_to_tls(service: Service, account: User) -> None:
    # A redirect would come after the token had crossed the network in clear, and hide the mistake.
    form = {"username": account.email, "password": account.password}
    for path in ("/auth/me", "/livez", "/auth/me/", "/docs/assets"):
        response = await service.client.get(f"http://testserver{path}")
        assert not response.has_redirect_location, path
    response = await service.client.post("http://testserver/auth/token", data=form)
    assert not response.is_redirect


async def test_folders_are_not_listed(service: Service) -> None:
    for path in ("/docs/assets/", "/docs/assets", "/docs/assets/%2e%2e/", "/.git/config", "/.env"):
        assert problem(await service.client.get(path)) == (404, "not_found"), path


async def test_a_client_cannot_name_its_own_address(service: Service) -> None:
    client = service.new_client()
    for number in range(11):
        address = f"203.0.113.{number}"
        names = ("X-Forwarded-For", "X-Real-IP", "True-Client-IP", "X-Client-IP")
        lies = dict.fromkeys(names, address) | {"Forwarded": f"for={address}"}
        form = {"username": new_email(), "password": "not-the-Password-1-ox"}
        response = await client.post("/auth/token", data=form, headers=lies)
    assert problem(response) == LIMITED


async def test_a_client_cannot_name_the_host_or_scheme_it_was_asked_by(
    service: Service, account: User
) -> None:
    lies = {"X-Forwarded-Host": "attacker.example", "X-Forwarded-Proto": "http"}
    body = {"email": account.email, "password": account.password}
    foreign = {"Origin": "https://attacker.example"}
    refused = await service.client.post("/auth/session", json=body, headers=lies | foreign)
    assert problem(refused) == (403, "cross_origin_request")
    form = {"username": account.email, "password": account.password}
    response = await service.client.post("/auth/token", data=form, headers=lies)
    assert "attacker" not in response.text + str(response.headers)


async def test_cookies_are_short_enough_for_every_browser_and_proxy(
    service: Service, account: User
) -> None:
    body = {"email": account.email, "password": account.password}
    response = await service.client.post("/auth/session", json=body, headers=SAME_ORIGIN)
    cookies = response.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all(len(cookie) < 512 for cookie in cookies)  # browsers keep 4096 bytes
