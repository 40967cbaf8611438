# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A token that was verified once is remembered, and nothing gets past a check because of that.

Each test first shows that its token is remembered, or the refusal that follows would prove nothing.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import anyio
import pytest

from app.auth import security
from app.auth.security import TokenPolicy
from app.auth.signing import TokenKey
from tests.auth.support.answers import INVALID_REQUEST, INVALID_TOKEN, problem
from tests.auth.support.credentials import Tokens, bearer
from tests.auth.support.forging import encode_segment, sign
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import ORIGIN, REVOKES_ACCESS_TOKENS

LIFETIME, LEEWAY = 900, 30  # seconds


async def present(service: Service, token: str) -> tuple[int, str] | None:
    """Present a token; return None when it is accepted and the problem otherwise."""
    response = await service.client.get("/auth/me", headers=bearer(token))
    return None if response.status_code == 200 else problem(response)


async def remembered(service: Service) -> Tokens:
    """Return tokens of a new account whose access token has been accepted already."""
    tokens = await service.login(await service.account())
    assert await present(service, tokens.access_token) is None
    assert len(service.auth.verified_tokens) > 0
    return tokens


def forge(service: Service, tokens: Tokens, **changes: object) -> str:
    """Return a token with other claims and the service's own signature."""
    return sign(tokens.header, tokens.claims | changes, service.auth.keyring.signer())


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every token whose signature is checked."""
    checked: list[str] = []
    verify = security.verify_signature

    def verify_and_count(token: str, key: TokenKey) -> bytes:
        checked.append(token)
        return verify(token, key)

    monkeypatch.setattr(security, "verify_signature", verify_and_count)
    return checked


async def test_a_signature_is_checked_at_the_first_time_only(
    service: Service, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = counting(monkeypatch)
    for _ in range(3):
        assert await present(service, tokens.access_token) is None
    assert checked == [tokens.access_token]


async def test_another_spelling_of_a_remembered_token_is_not_that_token(service: Service) -> None:
    tokens = await remembered(service)
    header, payload, signature = tokens.access_token.split(".")
    spellings = {
        f"{tokens.access_token}=": INVALID_TOKEN,
        f"{header}=.{payload}.{signature}": INVALID_TOKEN,
        f"{tokens.access_token} ": INVALID_REQUEST,
        f"{tokens.access_token}.": INVALID_TOKEN,
        f"{tokens.access_token}\N{NO-BREAK SPACE}": INVALID_TOKEN,
        tokens.access_token.swapcase(): INVALID_TOKEN,
    }
    for spelling, refusal in spellings.items():
        headers = [(b"authorization", f"Bearer {spelling}".encode("latin-1"))]
        answer = await service.client.get("/auth/me", headers=headers)
        if spelling.endswith(" "):  # a client or server may strip it: then it is the token itself
            assert answer.status_code == 200 or problem(answer) == refusal
        else:
            assert problem(answer) == refusal, spelling
    assert await present(service, tokens.access_token) is None


@pytest.mark.parametrize(
    "changes",
    [{"alg": "none"}, {"kid": "another"}, {"typ": "JWT"}, {"jku": "https://attacker.example"}],
    ids=str,
)
async def test_a_remembered_payload_and_signature_are_worth_nothing_under_another_header(
    service: Service, changes: dict[str, str]
) -> None:
    tokens = await remembered(service)
    _, payload, signature = tokens.access_token.split(".")
    other = ".".join((sign(tokens.header | changes, b"", _signer(service)).split(".")[0], payload))
    for token in (f"{other}.{signature}", f"{other}."):
        assert await present(service, token) == INVALID_TOKEN
    assert await present(service, tokens.access_token) is None


async def test_a_remembered_header_and_signature_are_worth_nothing_over_another_payload(
    service: Service,
) -> None:
    tokens = await remembered(service)
    header, _, signature = tokens.access_token.split(".")
    payload = forge(service, tokens, sub=str(uuid4())).split(".")[1]
    assert await present(service, f"{header}.{payload}.{signature}") == INVALID_TOKEN


async def test_what_was_refused_is_not_remembered(service: Service) -> None:
    tokens = await remembered(service)
    now = int(service.clock.now().timestamp())
    size = len(service.auth.verified_tokens)
    refused = [
        "x",
        f"{tokens.access_token[:-8]}{encode_segment(b'forged')}",
        forge(service, tokens, aud="another-api"),
        forge(service, tokens, iat=now - 2 * LIFETIME, exp=now - LIFETIME),
        forge(service, tokens, ver="0"),
        forge(service, tokens, exp=now + 10 * LIFETIME),
    ]
    for token in refused * 2:
        assert await present(service, token) == INVALID_TOKEN
    assert len(service.auth.verified_tokens) == size


async def test_a_remembered_token_ends_at_the_second_at_which_an_unknown_one_does(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    tokens = await remembered(service)
    twin = forge(service, tokens, jti=str(uuid4()))  # of the same times, and never seen before
    service.clock.advance(seconds=LIFETIME + LEEWAY - 1)
    assert await present(service, tokens.access_token) is None
    service.clock.advance(seconds=1)
    assert await present(service, tokens.access_token) == INVALID_TOKEN
    assert await present(service, twin) == INVALID_TOKEN
    assert len(service.auth.verified_tokens) == 0  # and it is not kept


async def test_a_remembered_token_is_refused_when_the_clock_was_set_back(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service()
    service.clock.advance(minutes=10)
    tokens = await remembered(service)
    before = service.clock.now() - timedelta(seconds=LEEWAY + 1)
    monkeypatch.setattr(service.clock, "now", lambda: before)
    assert await present(service, tokens.access_token) == INVALID_TOKEN


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"},
        {"audience": "another-api"},
        {"lifetime": timedelta(seconds=1)},
    ],
    ids=str,
)
async def test_a_remembered_token_is_refused_once_it_is_not_meant_for_this_service(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    service = await fresh_service()
    tokens = await remembered(service)
    known = service.auth.verified_tokens
    policy = TokenPolicy(ORIGIN, service.settings.audience, timedelta(seconds=LIFETIME))
    monkeypatch.setattr(known, "_policy", policy)
    assert await present(service, tokens.access_token) is None
    monkeypatch.setattr(known, "_policy", replace(policy, **change))
    assert await present(service, tokens.access_token) == INVALID_TOKEN


async def test_a_revoked_key_takes_its_remembered_tokens_with_it(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    tokens = await remembered(service)
    assert await service.auth.key_store.revoke(tokens.header["kid"], service.clock.now())
    await service.auth.keyring.reload()  # each worker does so every 10 seconds
    assert len(service.auth.verified_tokens) == 0
    assert await present(service, tokens.access_token) == INVALID_TOKEN
    renewed = await service.refresh(tokens)
    assert await present(service, renewed.access_token) is None


async def test_a_key_that_retires_while_its_token_is_remembered_is_noticed(
    fresh_service: FreshService,
) -> None:
    service = await fresh_service()
    retired = service.auth.keyring.signer()
    service.clock.advance(days=90)
    tokens = await service.login(await service.account())
    service.clock.advance(seconds=LIFETIME + LEEWAY - 1)
    now = int(service.clock.now().timestamp())
    claims = tokens.claims | {"iat": now, "exp": now + LIFETIME}
    token = sign(tokens.header | {"kid": retired.kid}, claims, retired)
    assert await present(service, token) is None
    service.clock.advance(seconds=1)  # no reload tells the worker: the key's time is over
    assert await present(service, token) == INVALID_TOKEN


async def test_reading_unchanged_keys_again_forgets_nothing(
    service: Service, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = counting(monkeypatch)
    for _ in range(3):
        assert await present(service, tokens.access_token) is None
        await service.auth.keyring.reload()
    assert checked == [tokens.access_token]


@pytest.mark.skipif(not REVOKES_ACCESS_TOKENS, reason="access tokens live out their time here")
async def test_a_remembered_token_is_asked_for_its_denial_every_time(service: Service) -> None:
    tokens = await remembered(service)
    assert await present(service, tokens.access_token) is None
    response = await service.client.post("/auth/logout", headers=tokens.bearer)
    assert response.status_code == 204
    assert await present(service, tokens.access_token) == INVALID_TOKEN
    assert await present(service, tokens.access_token) == INVALID_TOKEN


async def test_a_flood_of_valid_tokens_is_remembered_up_to_the_limit(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service(verified_tokens_limit=20)
    tokens = await remembered(service)
    flood = [forge(service, tokens, jti=str(uuid4())) for _ in range(60)]
    for token in flood:
        assert await present(service, token) is None
        assert await present(service, tokens.access_token) is None
        assert len(service.auth.verified_tokens) <= 20
    checked = counting(monkeypatch)
    assert await present(service, tokens.access_token) is None  # in use, so it was not pushed out
    assert await present(service, flood[0]) is None
    assert checked == [flood[0]]


async def test_a_limit_of_nothing_remembers_nothing(
    fresh_service: FreshService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await fresh_service(verified_tokens_limit=0)
    tokens = await service.login(await service.account())
    checked = counting(monkeypatch)
    for _ in range(3):
        assert await present(service, tokens.access_token) is None
    assert checked == [tokens.access_token] * 3
    assert len(service.auth.verified_tokens) == 0


async def test_many_at_once_are_each_taken_for_themselves(fresh_service: FreshService) -> None:
    service = await fresh_service(verified_tokens_limit=3)
    callers = [await remembered(service) for _ in range(6)]
    at_once = anyio.CapacityLimiter(8)

    async def ask(tokens: Tokens, *, forged: bool) -> None:
        token = tokens.access_token[:-8] + "AAAAAAAA" if forged else tokens.access_token
        async with at_once:
            response = await service.client.get("/auth/me", headers=bearer(token))
        if forged:
            assert problem(response) == INVALID_TOKEN
        else:
            assert response.json()["id"] == tokens.claims["sub"]

    async with anyio.create_task_group() as group:
        for _ in range(10):
            for tokens in callers:
                group.start_soon(partial(ask, tokens, forged=False))
                group.start_soon(partial(ask, tokens, forged=True))


def _signer(service: Service) -> TokenKey:
    return service.auth.keyring.signer()
