# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""GitHub's users are numbers, and have an address when GitHub has verified their primary one."""

from typing import Any, cast

import pytest

from tests.auth.support.answers import INVALID_GRANT, problem
from tests.auth.support.github import GitHub
from tests.auth.support.oauth import Logins, person
from tests.auth.support.oauth_browser import Browser, Person

PROVIDER_ERROR = (502, "provider_error")


@pytest.fixture
def github(logins: Logins) -> GitHub:
    """GitHub."""
    return cast(GitHub, logins.stand_ins["github"])


async def email_of(browser: Browser) -> object:
    """Return the address of the account that a browser is logged in to."""
    tokens = await browser.tokens()
    return (await browser.client.get("/auth/me", headers=tokens.bearer)).json()["email"]


async def test_a_user_without_a_public_address_has_the_verified_primary_one(
    logins: Logins, github: GitHub
) -> None:
    github.user = {"email": None}
    who, browser = person(), logins.browser()
    await browser.log_in(github, who)
    assert await email_of(browser) == who.email


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        [{"primary": True, "verified": False}],
        [{"primary": False, "verified": True}],
        [{"primary": True}],
        [{"primary": 1, "verified": "true"}],
    ],
    ids=str,
)
async def test_an_address_that_is_not_primary_and_verified_is_not_looked_at(
    logins: Logins, github: GitHub, addresses: list[dict[str, Any]]
) -> None:
    victim = await logins.service.account()
    github.addresses = [{"email": victim.email, **address} for address in addresses]
    # The profile shows any address that its owner likes.
    github.user = {"email": victim.email}
    browser = logins.browser()
    assert (await browser.log_in(github, person())).status_code == 303
    assert await email_of(browser) is None


async def test_a_name_that_was_given_up_and_taken_by_another_opens_nothing(
    logins: Logins, github: GitHub
) -> None:
    github.user = {"login": "octo"}
    subjects = set()
    for _ in range(2):
        browser = logins.browser()
        await browser.log_in(github, person())
        subjects.add((await browser.tokens()).claims["sub"])
    assert len(subjects) == 2


@pytest.mark.parametrize("number", ["7", None, True, 0, -1, 7.5])
async def test_a_user_without_a_number_is_nobody(
    logins: Logins, github: GitHub, number: object
) -> None:
    github.user = {"id": number}
    assert problem(await logins.browser().log_in(github, person())) == PROVIDER_ERROR


async def test_a_code_of_another_flow_is_refused_by_pkce(logins: Logins, github: GitHub) -> None:
    victim, attacker = logins.browser(), logins.browser()
    stolen = github.authorize(await victim.leave("github"), person())
    code = stolen.partition("code=")[2].partition("&")[0]
    own = github.authorize(await attacker.leave("github"), Person("4711"))
    own_code = own.partition("code=")[2].partition("&")[0]
    assert problem(await attacker.come_back(own.replace(own_code, code))) == INVALID_GRANT


@pytest.mark.parametrize(("issuer", "status"), [("https://evil.example", 400), ("", 400)])
async def test_an_answer_that_names_another_issuer_is_a_mix_up(
    logins: Logins, github: GitHub, issuer: str, status: int
) -> None:
    browser = logins.browser()
    address = github.authorize(await browser.leave("github"), person())
    response = await browser.come_back(f"{address}&iss={issuer}")
    assert response.status_code == status
    right = github.authorize(await browser.leave("github"), person())
    issuer = "https://github.com/login/oauth"
    assert (await browser.come_back(f"{right}&iss={issuer}")).status_code == 303
