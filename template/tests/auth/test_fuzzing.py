# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Requests made up from the service's own OpenAPI document, good and bad, with and without a token.

Whatever comes is answered by a status that the document names, in the form that it names; never by
a 5xx, and an error repeats nothing that was sent. Your own routes are in the document, and tried.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import anyio.from_thread
import anyio.to_thread
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from pydantic_core.core_schema import ErrorType

from app.core.errors import AppError
from tests.auth.support.credentials import Tokens
from tests.auth.support.plugin import FreshService
from tests.auth.support.service import Service
from tests.auth.support.settings import ORIGIN

if TYPE_CHECKING:
    from schemathesis import Case

pytestmark = pytest.mark.slow

T = TypeVar("T")

EXAMPLES = 40  # for each operation, kind of request, with and without a token
LONG_ENOUGH = 5  # characters; what is shorter appears anywhere by chance
TRACE = re.compile(r'Traceback|File "|\.py\b|sqlalchemy|asyncpg|SELECT |INSERT ')
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
NO_TYPE = "about:blank"  # of a problem (RFC 9457 section 4.2.1)
ORIGIN_HEADERS = {"Sec-Fetch-Site": "same-origin"}


def constants(base: type[AppError]) -> Iterator[str]:
    """Yield what stands in error answers anyway, which repeats nothing: titles and names."""
    yield NO_TYPE
    yield from get_args(ErrorType)
    for error in base.__subclasses__():
        yield from (getattr(error, "title", ""), getattr(error, "error", ""))
        yield from constants(error)


class Fuzzer:
    """Sends made-up requests, each from a client of its own and a second after the one before."""

    def __init__(self, service: Service, document: dict[str, Any], *, logged_in: bool) -> None:
        self.service = service
        self.known = json.dumps(document) + " ".join(constants(AppError))
        self.logged_in = logged_in
        self.tokens: Tokens | None = None
        self.statuses: set[int] = set()

    def call(self, work: Callable[..., Awaitable[T]], *args: object, **kwargs: object) -> T:
        """Run a coroutine on the test's event loop from Hypothesis' thread."""

        async def run() -> T:
            return await work(*args, **kwargs)

        return anyio.from_thread.run(run)

    def check(self, case: "Case[Any]") -> None:
        """Send a request and judge the answer."""
        from schemathesis.checks import CHECKS, load_all_checks

        load_all_checks()
        response = self.call(self.send, case)
        self.statuses.add(response.status_code)
        wanted: list[Any] = [CHECKS.get_one(name) for name in CHECKED]
        case.validate_response(response, checks=wanted)
        assert not TRACE.search(response.text), response.text
        assert response.headers["x-content-type-options"] == "nosniff"
        if response.is_error:
            answered = [*texts(response.json())]
            said = [each for each in self.sent(case) if any(each in text for text in answered)]
            assert said == [], response.text

    async def send(self, case: "Case[Any]") -> httpx2.Response:
        """Send a request as it would come over the network."""
        import requests

        self.service.clock.advance(seconds=1)
        headers = ORIGIN_HEADERS | (await self.bearer() if self.logged_in else {})
        kwargs = case.as_transport_kwargs(base_url=ORIGIN, headers=headers)
        fields = {"method", "url", "headers", "files", "data", "params", "cookies", "json"}
        ready: Any = requests.Request(**{k: v for k, v in kwargs.items() if k in fields}).prepare()
        async with self.service.new_client() as client:
            return await client.request(
                ready.method, ready.url, headers=dict(ready.headers), content=ready.body
            )

    async def bearer(self) -> dict[str, str]:
        """Return the header of a session that is alive, whatever the requests before did to it."""
        async with self.service.new_client() as client:
            if self.tokens:
                answer = await client.get("/auth/me", headers=self.tokens.bearer)
                if answer.status_code == 200:
                    return self.tokens.bearer
            self.service.client = client
            self.tokens = await self.service.login(await self.service.account())
        return self.tokens.bearer

    def sent(self, case: "Case[Any]") -> Iterator[str]:
        """Yield every text of a request that is not a word of the document."""
        for text in texts([case.body, case.query, case.path_parameters, case.cookies]):
            if len(text) >= LONG_ENOUGH and text not in self.known:
                yield text


def texts(value: object) -> Iterator[str]:
    """Yield every text in a value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts([name, inner])
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


@pytest.mark.parametrize("logged_in", [False, True], ids=["without token", "with token"])
@pytest.mark.parametrize("mode", ["positive", "negative"])
async def test_made_up_requests_get_documented_answers_that_repeat_nothing(
    fresh_service: FreshService, mode: str, *, logged_in: bool
) -> None:
    import schemathesis

    service = await fresh_service()
    document = (await service.client.get("/openapi.json")).json()
    fuzzer = Fuzzer(service, document, logged_in=logged_in)
    schema = schemathesis.openapi.from_dict(document)
    profile = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,  # the same requests in each run, until the document changes
        suppress_health_check=list(HealthCheck),
    )
    tried = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))
        # A route that takes nothing cannot be asked wrongly.
        with suppress(Unsatisfiable):
            await anyio.to_thread.run_sync(profile(given(case=strategy)(fuzzer.check)))
            tried += 1
    assert tried >= 10
    assert len(fuzzer.statuses) >= 3, fuzzer.statuses
