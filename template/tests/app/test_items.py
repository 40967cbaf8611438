"""The example routes: whose items they are, what a token may do, and how they are listed."""

from uuid import uuid4

import pytest

from tests.auth.support.credentials import Tokens
from tests.auth.support.service import Service

pytestmark = pytest.mark.both_databases


async def make_item(service: Service, tokens: Tokens, name: str) -> str:
    """Make an item over HTTP and return its id."""
    response = await service.client.post("/items", json={"name": name}, headers=tokens.bearer)
    assert response.status_code == 201, response.text
    item_id: str = response.json()["id"]
    return item_id


async def test_an_item_is_made_shown_changed_and_deleted(service: Service, tokens: Tokens) -> None:
    path = f"/items/{await make_item(service, tokens, 'lamp')}"
    shown = await service.client.get(path, headers=tokens.bearer)
    assert (shown.status_code, shown.json()["name"]) == (200, "lamp")
    changed = await service.client.put(path, json={"name": "candle"}, headers=tokens.bearer)
    assert (changed.status_code, changed.json()["name"]) == (200, "candle")
    assert (await service.client.delete(path, headers=tokens.bearer)).status_code == 204
    assert (await service.client.get(path, headers=tokens.bearer)).status_code == 404


async def test_another_accounts_item_looks_like_one_that_does_not_exist(
    service: Service, tokens: Tokens
) -> None:
    item_id = await make_item(service, tokens, "lamp")
    stranger = await service.login(await service.account())
    for method in ("GET", "PUT", "DELETE"):
        answers = [
            await service.client.request(
                method,
                f"/items/{each}",
                headers=stranger.bearer,
                json={"name": "mine now"} if method == "PUT" else None,
            )
            for each in (item_id, uuid4())
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    rows = await service.sql("SELECT name FROM item WHERE name = 'mine now'")
    assert rows == []


async def test_nothing_is_possible_without_a_token(service: Service) -> None:
    assert (await service.client.get("/items")).status_code == 401
    assert (await service.client.post("/items", json={"name": "lamp"})).status_code == 401


async def test_a_token_that_may_only_read_cannot_write(service: Service) -> None:
    reader = await service.login(await service.account(), scope="items:read")
    response = await service.client.post("/items", json={"name": "lamp"}, headers=reader.bearer)
    assert response.status_code == 403
    assert 'scope="items:write"' in response.headers["www-authenticate"]
    assert (await service.client.get("/items", headers=reader.bearer)).status_code == 200


async def test_pages_hold_every_item_once(service: Service, tokens: Tokens) -> None:
    made = {await make_item(service, tokens, f"lamp {number}") for number in range(5)}
    seen: list[str] = []
    after: str | None = None
    while True:
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = (await service.client.get("/items", params=query, headers=tokens.bearer)).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(made)


@pytest.mark.parametrize("name", ["", "x" * 201])
async def test_a_name_has_bounds(service: Service, tokens: Tokens, name: str) -> None:
    response = await service.client.post("/items", json={"name": name}, headers=tokens.bearer)
    assert response.status_code == 422


async def test_a_character_that_cannot_be_stored_is_no_fault_of_the_service(
    service: Service, tokens: Tokens
) -> None:
    response = await service.client.post("/items", json={"name": "a\0b"}, headers=tokens.bearer)
    assert response.status_code in {201, 422}
