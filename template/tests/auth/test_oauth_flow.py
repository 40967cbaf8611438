# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Nobody enters by a provider but whom it vouches for, in the browser that left for it, once."""

import asyncio
import re
import secrets
from urllib.parse import urlsplit

import httpx2
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from tests.auth.support.answers import INVALID_GRANT, INVALID_REQUEST, problem
from tests.auth.support.credentials import SAME_ORIGIN, Tokens, tokens_of
from tests.auth.support.oauth import PROVIDERS, Logins, challenge_of, person
from tests.auth.support.oauth_browser import (
    OTHER_RETURN_TO,
    RETURN_TO,
    Browser,
    Person,
    StandIn,
    query_of,
    returned,
)

# A JWS as it travels (RFC 7515 section 7.1); without its dot, chance makes one now and then.
JWT = re.compile(r"eyJ[\w-]+\.")
ACCOUNT_EXISTS = (409, "account_exists")
INVALID_RETURN_TO = (400, "invalid_return_to")


async def sessions_of(logins: Logins, who: Person) -> int:
    """Return how many sessions somebody's account has; 0 without an account."""
    rows = await logins.service.sql(
        "SELECT s.id FROM auth_session s JOIN account_identity i ON i.account_id = s.account_id "
        "WHERE i.subject = :subject",
        subject=who.subject,
    )
    return len(rows)


async def exchange(browser: Browser, **form: str) -> httpx2.Response:
    """Present a one-time code as the service's own page does."""
    return await browser.client.post("/auth/oauth/exchange", data=form, headers=SAME_ORIGIN)


async def code_for(logins: Logins, who: Person, browser: Browser, **query: str) -> str:
    """Log in for a one-time code and return it."""
    query = {"response_type": "code", **query}
    return str(returned(await browser.log_in(logins.first, who, **query))["code"])


async def test_a_first_login_makes_an_account_without_a_password(
    logins: Logins, stand_in: StandIn
) -> None:
    who, browser = person(), logins.browser()
    response = await browser.log_in(stand_in, who)
    assert (response.status_code, response.headers["location"]) == (303, RETURN_TO)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    tokens = await browser.tokens()
    account = (await browser.client.get("/auth/me", headers=tokens.bearer)).json()
    assert (account["email"], account["email_verified"]) == (who.email, True)
    (row,) = await logins.service.sql("SELECT * FROM account WHERE email = :email", email=who.email)
    assert row["password_hash"] is None


async def test_the_second_login_opens_the_same_account(logins: Logins, stand_in: StandIn) -> None:
    who, subjects = person(), []
    for _ in range(2):
        browser = logins.browser()
        await browser.log_in(stand_in, who)
        subjects.append((await browser.tokens()).claims["sub"])
    assert subjects[0] == subjects[1]


async def test_the_flow_cookie_is_bound_to_this_host_and_gone_afterwards(logins: Logins) -> None:
    browser = logins.browser()
    response = await browser.try_to_leave(logins.first.name)
    (cookie,) = response.headers.get_list("set-cookie")
    assert re.match(r"__Host-oauth-[0-9a-f]{16}=[A-Za-z0-9_-]{43}; ", cookie)
    attributes = {part.lower() for part in cookie.split("; ")[1:]}
    assert {"httponly", "secure", "samesite=lax", "path=/", "max-age=600"} <= attributes
    await browser.come_back(logins.first.authorize(response.headers["location"], person()))
    assert not [name for name in browser.cookies if name.startswith("__Host-oauth-")]


async def test_nothing_in_the_database_can_be_used_by_who_reads_it(logins: Logins) -> None:
    browser = logins.browser()
    address = await browser.leave(logins.first.name)
    known = [*query_of(address).values(), *browser.cookies.values()]
    table = str(await logins.service.sql("SELECT * FROM oauth_flow"))
    assert not [value for value in known if len(value) > 40 and value in table]


async def test_a_state_is_worth_nothing_in_another_browser(logins: Logins) -> None:
    who, victim, attacker = person(), logins.browser(), logins.browser()
    address = logins.first.authorize(await attacker.leave(logins.first.name), who)
    assert problem(await victim.come_back(address)) == INVALID_GRANT
    # Nor with a flow of its own under way, or with its own cookie under the other's name.
    await victim.leave(logins.first.name)
    own = next(value for name, value in victim.cookies.items() if "oauth" in name)
    assert problem(await victim.come_back(address)) == INVALID_GRANT
    name = next(name for name in attacker.cookies if "oauth" in name)
    forged = {"Cookie": f"{name}={own}"}
    client = logins.service.new_client()
    assert problem(await client.get(address, headers=forged)) == INVALID_GRANT
    assert await sessions_of(logins, who) == 0
    # And the try cost the flow's own browser nothing.
    assert (await attacker.come_back(address)).status_code == 303


async def test_a_callback_counts_once(logins: Logins) -> None:
    logins.first.forgets_codes = False  # so that only the service can notice
    who, browser = person(), logins.browser()
    address = logins.first.authorize(await browser.leave(logins.first.name), who)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    assert (await browser.come_back(address)).status_code == 303
    # With the cookie that was taken back, too.
    again = await logins.service.new_client().get(address, headers={"Cookie": cookie})
    assert problem(again) == INVALID_GRANT
    assert await sessions_of(logins, who) == 1


@pytest.mark.both_databases
async def test_of_many_callbacks_at_once_one_wins(racing_logins: Logins) -> None:
    logins = racing_logins
    logins.first.forgets_codes = False
    who, browser = person(), logins.browser()
    address = logins.first.authorize(await browser.leave(logins.first.name), who)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    client = logins.service.new_client()
    answers = await asyncio.gather(
        *(client.get(address, headers={"Cookie": cookie}) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400, 400]
    assert await sessions_of(logins, who) == 1


@pytest.mark.both_databases
async def test_of_many_exchanges_of_a_code_at_once_one_wins(racing_logins: Logins) -> None:
    logins, who, verifier = racing_logins, person(), secrets.token_urlsafe(32)
    code = await code_for(logins, who, logins.browser(), **challenge_of(verifier))
    browser = logins.browser()
    answers = await asyncio.gather(
        *(exchange(browser, code=code, code_verifier=verifier) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    assert await sessions_of(logins, who) == 1


@pytest.mark.both_databases
async def test_somebody_new_who_comes_twice_at_once_gets_one_account(racing_logins: Logins) -> None:
    logins, who = racing_logins, person()
    browsers = [logins.browser() for _ in range(3)]
    answers = await asyncio.gather(*(each.log_in(logins.first, who) for each in browsers))
    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({(await each.tokens()).claims["sub"] for each in browsers}) == 1


async def test_a_stolen_cookie_is_worth_nothing_without_the_row_of_its_flow(logins: Logins) -> None:
    who, browser = person(), logins.browser()
    address = logins.first.authorize(await browser.leave(logins.first.name), who)
    await logins.service.sql("DELETE FROM oauth_flow")
    assert problem(await browser.come_back(address)) == INVALID_GRANT
    assert await sessions_of(logins, who) == 0


async def test_a_flow_ends_after_ten_minutes(logins: Logins) -> None:
    who, browser = person(), logins.browser()
    address = logins.first.authorize(await browser.leave(logins.first.name), who)
    logins.service.clock.advance(minutes=10)
    browser.client.cookies.jar.clear_expired_cookies()
    assert problem(await browser.come_back(address)) == INVALID_GRANT


@pytest.mark.skipif(len(PROVIDERS) < 2, reason="this service has one provider")
async def test_an_answer_is_refused_at_the_address_of_another_provider(logins: Logins) -> None:
    one, other = list(logins.stand_ins.values())[:2]
    browser = logins.browser()
    address = one.authorize(await browser.leave(one.name), person())
    swapped = address.replace(f"/oauth/{one.name}/", f"/oauth/{other.name}/")
    assert problem(await browser.come_back(swapped)) == INVALID_GRANT
    # And it was not looked at there: at its own address it still counts.
    assert (await browser.come_back(address)).status_code == 303


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_two_tabs_do_not_disturb_each_other(logins: Logins, order: tuple[int, int]) -> None:
    browser, people = logins.browser(), [person(), person()]
    tabs = [logins.first.authorize(await browser.leave(logins.first.name), who) for who in people]
    for tab in order:
        assert (await browser.come_back(tabs[tab])).status_code == 303
        account = await browser.client.get("/auth/me", headers=(await browser.tokens()).bearer)
        assert account.json()["email"] == people[tab].email


async def test_a_browser_holds_a_bounded_number_of_flows_and_the_newest_work(
    logins: Logins,
) -> None:
    browser = logins.browser()
    addresses = [await browser.leave(logins.first.name) for _ in range(12)]
    assert len([name for name in browser.cookies if "oauth" in name]) == 8
    oldest, newest = addresses[0], addresses[-1]
    assert problem(await browser.come_back(logins.first.authorize(oldest, person()))) == (
        INVALID_GRANT
    )
    assert (await browser.come_back(logins.first.authorize(newest, person()))).status_code == 303


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/welcome",
        "//app.example.com/welcome",
        "//evil.example/welcome",
        "https:/\\evil.example/welcome",
        "https://app.example.com\\@evil.example/welcome",
        "https://app.example.com@evil.example/welcome",
        "https://user:pw@app.example.com/welcome",
        "https://app.example.com.evil.example/welcome",
        "https://app.example.com/welcome/../settings/delete",
        "https://app.example.com/welcome/",
        "https://app.example.com/welcome%2f..%2f",
        "https://app.example.com%2f@evil.example/welcome",
        "https://app.example.com/welcome?next=https://evil.example",
        "https://app.example.com/welcome#x",
        "https://app.example.com:443/welcome",
        "http://app.example.com/welcome",
        "HTTPS://app.example.com/welcome",
        "https://app.example.com/welcome\r\nSet-Cookie: a=b",
        " https://app.example.com/welcome",
        "javascript:alert(1)",
        "data:text/html,x",
    ],
)
async def test_a_browser_is_sent_nowhere_that_is_not_on_the_list(
    logins: Logins, address: str
) -> None:
    response = await logins.browser().try_to_leave(logins.first.name, return_to=address)
    assert problem(response) == INVALID_RETURN_TO
    assert "location" not in response.headers
    assert "set-cookie" not in response.headers


async def test_the_flow_ends_where_it_was_meant_to_whatever_the_callback_says(
    logins: Logins,
) -> None:
    browser = logins.browser()
    address = await browser.leave(logins.first.name, return_to=OTHER_RETURN_TO)
    back = logins.first.authorize(address, person()) + "&return_to=https://evil.example"
    assert (await browser.come_back(back)).headers["location"] == OTHER_RETURN_TO


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
async def test_a_parameter_that_stands_twice_is_refused(logins: Logins, name: str) -> None:
    browser = logins.browser()
    address = logins.first.authorize(await browser.leave(logins.first.name), person())
    assert problem(await browser.come_back(f"{address}&{name}=a&{name}=b")) == INVALID_REQUEST


async def test_the_owner_of_an_address_is_not_the_owner_of_the_account(
    logins: Logins, stand_in: StandIn
) -> None:
    victim = await logins.service.account()
    who, browser = person(email=victim.email), logins.browser()
    assert problem(await browser.log_in(stand_in, who)) == ACCOUNT_EXISTS
    assert "__Host-refresh" not in browser.cookies
    assert await sessions_of(logins, who) == 0


async def test_an_address_that_nobody_verified_is_neither_compared_nor_stored(
    logins: Logins, stand_in: StandIn
) -> None:
    victim = await logins.service.account()
    who, browser = person(email=victim.email, verified=False), logins.browser()
    assert (await browser.log_in(stand_in, who)).status_code == 303
    tokens = await browser.tokens()
    account = (await browser.client.get("/auth/me", headers=tokens.bearer)).json()
    assert (account["email"], account["email_verified"]) == (None, False)
    assert tokens.claims["sub"] != str(victim.id)


async def test_an_address_counts_from_the_login_at_which_it_is_verified(logins: Logins) -> None:
    unverified = person(verified=False)
    await logins.browser().log_in(logins.first, unverified)
    verified = Person(unverified.subject, unverified.email, verified=True)
    browser = logins.browser()
    await browser.log_in(logins.first, verified)
    tokens = await browser.tokens()
    account = (await browser.client.get("/auth/me", headers=tokens.bearer)).json()
    assert (account["email"], account["email_verified"]) == (verified.email, True)
    # But never one that another account has.
    victim = await logins.service.account()
    taker = person(email=victim.email, verified=False)
    await logins.browser().log_in(logins.first, taker)
    response = await logins.browser().log_in(
        logins.first, Person(taker.subject, taker.email, verified=True)
    )
    assert response.status_code == 303
    rows = await logins.service.sql("SELECT id FROM account WHERE email = :e", e=victim.email)
    assert len(rows) == 1


async def test_who_registered_somebody_elses_address_gains_nothing(logins: Logins) -> None:
    service, who = logins.service, person()
    body = {"email": who.email, "password": "the-Stranger-knows-4711-this"}
    assert (await service.client.post("/auth/register", json=body)).status_code == 202
    secret = await service.mailed_secret(str(who.email))
    browser = logins.browser()
    assert (await browser.log_in(logins.first, who)).status_code == 303
    pending = "SELECT id FROM pending_registration WHERE email = :email"
    assert await service.sql(pending, email=who.email) == []
    verify = {"token": secret, "password": body["password"]}
    answer = await service.client.post("/auth/email/verify", json=verify)
    assert problem(answer) == INVALID_GRANT
    form = {"username": who.email, "password": body["password"]}
    assert problem(await service.client.post("/auth/token", data=form)) == INVALID_GRANT


async def test_an_account_without_a_password_can_set_one_by_mail(logins: Logins) -> None:
    service, who = logins.service, person()
    email = str(who.email)
    await logins.browser().log_in(logins.first, who)
    await service.client.post("/auth/password/forgot", json={"email": email})
    password = "an-Own-password-4711"
    body = {"token": await service.mailed_secret(email), "password": password}
    assert (await service.client.post("/auth/password/reset", json=body)).status_code == 204
    form = {"username": email, "password": password}
    assert (await service.client.post("/auth/token", data=form)).status_code == 200
    # And the provider goes on to open it.
    assert (await logins.browser().log_in(logins.first, who)).status_code == 303


async def test_a_disabled_account_stays_closed(logins: Logins) -> None:
    who = person()
    await logins.browser().log_in(logins.first, who)
    disable = "UPDATE account SET active = :no WHERE email = :email"
    await logins.service.sql(disable, no=False, email=who.email)
    for query in ({}, {"response_type": "code"}):
        response = await logins.browser().log_in(logins.first, who, **query)
        assert problem(response) == INVALID_GRANT


async def test_a_deleted_account_leaves_nothing_that_a_provider_could_open(logins: Logins) -> None:
    who, browser = person(), logins.browser()
    await browser.log_in(logins.first, who)
    before = await browser.tokens()
    answer = await browser.client.delete("/auth/me", headers=before.bearer)
    assert answer.status_code == 204
    rows = await logins.service.sql(
        "SELECT id FROM account_identity WHERE subject = :s", s=who.subject
    )
    assert rows == []
    await browser.log_in(logins.first, who)
    assert (await browser.tokens()).claims["sub"] != before.claims["sub"]


async def test_a_login_replaces_the_session_of_its_browser(logins: Logins) -> None:
    who, browser = person(), logins.browser()
    await browser.log_in(logins.first, who)
    first = browser.cookies["__Host-refresh"]
    await browser.log_in(logins.first, who)
    assert problem(await logins.service.try_refresh(first)) == INVALID_GRANT


async def test_a_login_asks_for_no_more_than_the_scopes_it_was_asked_for(logins: Logins) -> None:
    browser = logins.browser()
    await browser.log_in(logins.first, person(), scope="items:read")
    assert (await browser.tokens()).scope == "items:read"
    response = await logins.browser().log_in(logins.first, person(), scope="admin")
    assert problem(response) == (400, "invalid_scope")


async def test_a_code_with_its_verifier_gives_both_tokens(logins: Logins) -> None:
    verifier, browser = secrets.token_urlsafe(32), logins.browser()
    query = {"response_type": "code", "state": "my own & odd", **challenge_of(verifier)}
    response = await browser.log_in(logins.first, person(), **query)
    given = returned(response)
    assert given.keys() == {"code", "state"}
    assert given["state"] == "my own & odd"
    assert "__Host-refresh" not in browser.cookies
    client = logins.service.new_client()
    form = {"code": given["code"], "code_verifier": verifier}
    answer = await client.post("/auth/oauth/exchange", data=form)
    tokens: Tokens = tokens_of(answer)
    assert (await client.get("/auth/me", headers=tokens.bearer)).status_code == 200
    assert (await logins.service.refresh(tokens)).claims["sub"] == tokens.claims["sub"]
    assert problem(await client.post("/auth/oauth/exchange", data=form)) == INVALID_GRANT


async def test_a_code_bound_to_a_verifier_cannot_be_had_without_it(logins: Logins) -> None:
    verifier, browser = secrets.token_urlsafe(32), logins.browser()
    code = await code_for(logins, person(), browser, **challenge_of(verifier))
    challenge = create_s256_code_challenge(verifier)
    for other in (secrets.token_urlsafe(32), challenge, "short", verifier + "x"):
        answer = await exchange(browser, code=code, code_verifier=other)
        assert problem(answer) == INVALID_GRANT
    assert problem(await exchange(browser, code=code)) == INVALID_GRANT
    assert (await exchange(browser, code=code, code_verifier=verifier)).status_code == 200


async def test_a_code_bound_to_a_browser_gives_the_cookie_to_it_alone(logins: Logins) -> None:
    browser, other = logins.browser(), logins.browser()
    code = await code_for(logins, person(), browser)
    assert problem(await exchange(other, code=code)) == INVALID_GRANT
    verifier = secrets.token_urlsafe(32)
    answer = await exchange(other, code=code, code_verifier=verifier)
    assert problem(answer) == INVALID_GRANT
    foreign = {"Origin": "https://evil.example"}
    answer = await browser.client.post("/auth/oauth/exchange", data={"code": code}, headers=foreign)
    assert problem(answer) == (403, "cross_origin_request")
    answer = await exchange(browser, code=code)
    assert "refresh_token" not in answer.json()
    assert tokens_of(answer).refresh_token == browser.cookies["__Host-refresh"]
    assert problem(await exchange(browser, code=code)) == INVALID_GRANT


async def test_a_code_lives_a_minute_and_no_longer_than_what_it_stands_for(logins: Logins) -> None:
    who, verifier = person(), secrets.token_urlsafe(32)
    code = await code_for(logins, who, logins.browser(), **challenge_of(verifier))
    logins.service.clock.advance(seconds=60)
    browser = logins.browser()
    answer = await exchange(browser, code=code, code_verifier=verifier)
    assert problem(answer) == INVALID_GRANT
    code = await code_for(logins, who, logins.browser(), **challenge_of(verifier))
    ended = "UPDATE account SET token_version = token_version + 1 WHERE email = :email"
    await logins.service.sql(ended, email=who.email)
    answer = await exchange(browser, code=code, code_verifier=verifier)
    assert problem(answer) == INVALID_GRANT


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"code_challenge": "A" * 43}, 400),
        ({"code_challenge": "A" * 43, "code_challenge_method": "plain"}, 422),
        ({"code_challenge_method": "S256"}, 400),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, 422),
        ({"response_type": "token"}, 422),
    ],
)
async def test_a_weaker_binding_is_refused(
    logins: Logins, query: dict[str, str], status: int
) -> None:
    query = {"response_type": "code", **query}
    response = await logins.browser().try_to_leave(logins.first.name, **query)
    assert problem(response)[0] == status
    # A challenge that nothing would check is a mistake of the client.
    response = await logins.browser().try_to_leave(
        logins.first.name, **challenge_of("A" * 43), response_type="cookie"
    )
    assert problem(response) == INVALID_REQUEST


async def test_no_address_holds_a_token_or_an_e_mail(logins: Logins, stand_in: StandIn) -> None:
    who, browser = person(), logins.browser()
    address = await browser.leave(stand_in.name, response_type="code")
    response = await browser.come_back(stand_in.authorize(address, who))
    assert query_of(response.headers["location"]).keys() == {"code"}
    for each in (address, response.headers["location"]):
        assert str(who.email) not in each
        assert not JWT.search(each)
    assert urlsplit(address).scheme == "https"


async def test_a_provider_is_asked_for_who_it_is_and_for_nothing_else(
    logins: Logins, stand_in: StandIn
) -> None:
    asked = query_of(await logins.browser().leave(stand_in.name))
    assert asked["scope"] in {"openid email", "read:user user:email"}


async def test_a_provider_that_is_not_configured_is_not_there(logins: Logins) -> None:
    for path in ("login", "callback"):
        answer = await logins.service.client.get(f"/auth/oauth/nobody/{path}")
        assert problem(answer) == (404, "not_found")


async def test_starting_and_coming_back_are_limited_by_address(logins: Logins) -> None:
    name = logins.first.name
    logins.service.clock.advance(minutes=5)
    for path in (f"/auth/oauth/{name}/login", f"/auth/oauth/{name}/callback"):
        client = logins.service.new_client()
        answers = [await client.get(path) for _ in range(61)]
        assert [answer.status_code == 429 for answer in answers] == [False] * 60 + [True]
        assert int(answers[-1].headers["retry-after"]) > 0
