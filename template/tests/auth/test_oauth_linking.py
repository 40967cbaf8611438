# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A provider is added to an account on purpose, by its owner, in the browser that asked for it."""

import asyncio

import httpx2
import pytest

from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.credentials import Tokens, User
from tests.auth.support.oauth import Logins, person
from tests.auth.support.oauth_browser import OTHER_RETURN_TO, Browser, Person, StandIn

IN_USE = (409, "identity_in_use")
LAST = (409, "last_way_to_log_in")
NOT_RECENT = (401, "insufficient_user_authentication")


async def start_link(browser: Browser, provider: str, tokens: Tokens) -> httpx2.Response:
    """Ask for a link."""
    body = {"return_to": OTHER_RETURN_TO}
    path = f"/auth/oauth/{provider}/link"
    return await browser.client.post(path, json=body, headers=tokens.bearer)


async def link(browser: Browser, stand_in: StandIn, tokens: Tokens, who: Person) -> httpx2.Response:
    """Link somebody to the account of these tokens; return what the callback answers."""
    response = await start_link(browser, stand_in.name, tokens)
    assert response.status_code == 200, response.text
    address = response.json()["authorization_url"]
    return await browser.come_back(stand_in.authorize(address, who))


async def identities_of(logins: Logins, tokens: Tokens) -> list[dict[str, str]]:
    """Return the identities that an account's owner sees."""
    response = await logins.service.client.get("/auth/identities", headers=tokens.bearer)
    assert response.status_code == 200, response.text
    found: list[dict[str, str]] = response.json()
    return found


@pytest.fixture
async def owner(logins: Logins) -> User:
    """The owner of an account with a password."""
    return await logins.service.account()


@pytest.fixture
async def owned(logins: Logins, owner: User) -> Tokens:
    """That owner, logged in."""
    return await logins.service.login(owner)


async def test_a_linked_provider_opens_the_account_and_its_owner_hears_of_it(
    logins: Logins, owner: User, owned: Tokens, stand_in: StandIn
) -> None:
    who = person(email=owner.email)  # which alone would have opened nothing
    response = await link(logins.browser(), stand_in, owned, who)
    assert (response.status_code, response.headers["location"]) == (303, OTHER_RETURN_TO)
    assert "__Host-refresh" not in response.headers.get("set-cookie", "")
    browser = logins.browser()
    await browser.log_in(stand_in, who)
    assert (await browser.tokens()).claims["sub"] == str(owner.id)
    (row,) = await identities_of(logins, owned)
    assert row["provider"] == stand_in.name
    assert (await logins.service.mails(owner.email))[
        -1
    ].subject == "A login was added to your account"


async def test_linking_needs_a_login_of_the_last_ten_minutes(logins: Logins, owned: Tokens) -> None:
    browser = logins.browser()
    assert (
        problem(await browser.client.post(f"/auth/oauth/{logins.first.name}/link", json={}))[0]
        == 401
    )
    logins.service.clock.advance(seconds=601)
    assert problem(await start_link(browser, logins.first.name, owned)) == NOT_RECENT
    for answer in (
        await browser.client.get("/auth/identities", headers=owned.bearer),
        await browser.client.delete(
            f"/auth/identities/{owned.claims['sid']}", headers=owned.bearer
        ),
    ):
        assert problem(answer) == NOT_RECENT


async def test_an_api_key_links_and_lists_and_removes_nothing(
    logins: Logins, owned: Tokens
) -> None:
    client = logins.service.client
    wish = {"label": "a leaked key", "scope": "items:read"}
    made = await client.post("/auth/api-keys", json=wish, headers=owned.bearer)
    headers = {"X-API-Key": made.json()["api_key"]}
    path = f"/auth/oauth/{logins.first.name}/link"
    answers = [
        await client.post(path, json={"return_to": OTHER_RETURN_TO}, headers=headers),
        await client.get("/auth/identities", headers=headers),
        await client.delete(f"/auth/identities/{owned.claims['sid']}", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_a_link_is_finished_in_the_browser_that_began_it(
    logins: Logins, owned: Tokens
) -> None:
    # An attacker begins to link their own login and has the victim follow the way back.
    attacker, victim = logins.browser(), logins.browser()
    address = (await start_link(attacker, logins.first.name, owned)).json()["authorization_url"]
    back = logins.first.authorize(address, person())
    assert problem(await victim.come_back(back)) == INVALID_GRANT
    assert await identities_of(logins, owned) == []


async def test_the_account_is_the_one_that_asked_whoever_is_logged_in_at_the_end(
    logins: Logins, owned: Tokens
) -> None:
    browser, who = logins.browser(), person()
    address = (await start_link(browser, logins.first.name, owned)).json()["authorization_url"]
    await browser.log_in(logins.first, person())
    assert (await browser.come_back(logins.first.authorize(address, who))).status_code == 303
    assert len(await identities_of(logins, owned)) == 1


async def test_a_login_that_has_an_account_is_linked_to_no_other(
    logins: Logins, owned: Tokens
) -> None:
    who = person()
    await logins.browser().log_in(logins.first, who)
    assert problem(await link(logins.browser(), logins.first, owned, who)) == IN_USE
    assert await identities_of(logins, owned) == []


async def test_linking_again_changes_nothing(logins: Logins, owned: Tokens) -> None:
    who = person()
    for _ in range(2):
        assert (await link(logins.browser(), logins.first, owned, who)).status_code == 303
    assert len(await identities_of(logins, owned)) == 1


async def test_a_link_dies_with_the_session_that_asked_for_it(
    logins: Logins, owned: Tokens
) -> None:
    browser, who = logins.browser(), person()
    address = (await start_link(browser, logins.first.name, owned)).json()["authorization_url"]
    await browser.client.post("/auth/logout", headers=owned.bearer)
    response = await browser.come_back(logins.first.authorize(address, who))
    assert problem(response) == INVALID_GRANT
    rows = await logins.service.sql(
        "SELECT id FROM account_identity WHERE subject = :s", s=who.subject
    )
    assert rows == []


async def test_the_last_way_into_an_account_cannot_be_removed(logins: Logins) -> None:
    browser = logins.browser()
    await browser.log_in(logins.first, person())
    tokens = await browser.tokens()
    (first,) = await identities_of(logins, tokens)
    path = f"/auth/identities/{first['id']}"
    assert problem(await browser.client.delete(path, headers=tokens.bearer)) == LAST
    await link(logins.browser(), logins.first, tokens, person())
    assert (await browser.client.delete(path, headers=tokens.bearer)).status_code == 204
    (second,) = await identities_of(logins, tokens)
    path = f"/auth/identities/{second['id']}"
    assert problem(await browser.client.delete(path, headers=tokens.bearer)) == LAST


@pytest.mark.both_databases
async def test_of_two_that_are_removed_at_once_one_stays(racing_logins: Logins) -> None:
    logins = racing_logins
    browser = logins.browser()
    await browser.log_in(logins.first, person())
    tokens = await browser.tokens()
    await link(logins.browser(), logins.first, tokens, person())
    paths = [f"/auth/identities/{row['id']}" for row in await identities_of(logins, tokens)]
    client = logins.service.new_client()
    answers = await asyncio.gather(*(client.delete(path, headers=tokens.bearer) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_with_a_password_every_provider_can_go(
    logins: Logins, owner: User, owned: Tokens
) -> None:
    who = person()
    await link(logins.browser(), logins.first, owned, who)
    (row,) = await identities_of(logins, owned)
    client = logins.service.client
    path = f"/auth/identities/{row['id']}"
    assert (await client.delete(path, headers=owned.bearer)).status_code == 204
    assert (await logins.service.mails(owner.email))[-1].subject.startswith("A login was removed")
    browser = logins.browser()
    await browser.log_in(logins.first, who)
    assert (await browser.tokens()).claims["sub"] != str(owner.id)


async def test_another_accounts_identity_is_not_there(logins: Logins, owned: Tokens) -> None:
    browser = logins.browser()
    await browser.log_in(logins.first, person())
    (row,) = await identities_of(logins, await browser.tokens())
    answer = await logins.service.client.delete(
        f"/auth/identities/{row['id']}", headers=owned.bearer
    )
    assert problem(answer) == (404, "not_found")
