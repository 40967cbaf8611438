# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the document of the service says about the template's routes: bounds, secrets, ways in."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from app.auth.models import Account, AuthSession
from tests.auth.support.service import Service

Schema = dict[str, Any]

# The routes that answer with an access token. Another one is another login: limit and log it too.
WAYS_IN = {"/auth/token", "/auth/session", "/auth/refresh"}
if find_spec("app.auth.oauth"):
    WAYS_IN |= {"/auth/oauth/exchange"}
# A challenge is made to be seen (RFC 7636); its verifier is the secret.
PUBLIC = {"code_challenge", "code_challenge_method"}
SENSITIVE = re.compile(r"token|secret|password|email|key|code", re.IGNORECASE)
INTERNAL = re.compile(r"password|hash|salt|secret|token_version|active|revoke|reason|generation")
REMINDER = re.compile(r"hint|question|answer", re.IGNORECASE)


@pytest.fixture
async def document(service: Service) -> Schema:
    """The OpenAPI document."""
    content: Schema = (await service.client.get("/openapi.json")).json()
    return content


def operations(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield path and description of every route of the template."""
    for path, methods in document["paths"].items():
        if path.startswith(("/auth/", "/.well-known/")):
            yield from ((path, operation) for operation in methods.values())


def resolve(document: Schema, schema: Schema) -> Iterator[Schema]:
    """Yield the objects that a schema stands for, through references, unions and lists."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from resolve(document, document["components"]["schemas"][name])
    for inner in (*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])):
        yield from resolve(document, inner)
    if "properties" in schema:
        yield schema


def requests(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield path, media type and objects of every request body."""
    for path, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            for found in resolve(document, content["schema"]):
                yield path, media_type, found


def answers(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield path and objects of every successful answer."""
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values() if status < "300" else ():
                yield from ((path, found) for found in resolve(document, content["schema"]))


def is_bounded(schema: Schema) -> bool:
    """Tell whether a field says what it takes: its length, its size or its only values."""
    if "anyOf" in schema:
        return all(is_bounded(inner) for inner in schema["anyOf"])
    return schema["type"] == "null" or bool(
        {"maxLength", "maximum", "const", "enum"} & schema.keys()
    )


async def test_every_field_says_what_it_takes_and_how_much(document: Schema) -> None:
    fields = {
        f"{path} {name}": schema
        for path, _, found in requests(document)
        for name, schema in found["properties"].items()
    }
    assert len(fields) >= 15
    assert [name for name, schema in fields.items() if not is_bounded(schema)] == []


async def test_no_body_takes_a_member_that_was_not_declared(document: Schema) -> None:
    bodies = [each for each in requests(document) if each[1] == "application/json"]
    assert len(bodies) >= 9
    assert [path for path, _, body in bodies if body.get("additionalProperties") is not False] == []


async def test_nothing_secret_is_asked_for_in_an_address(document: Schema) -> None:
    for path, operation in operations(document):
        names = {each["name"] for each in operation.get("parameters", []) if each["in"] != "header"}
        assert not any(SENSITIVE.search(name) for name in names - PUBLIC), path


async def test_no_answer_has_a_field_that_only_the_service_needs(document: Schema) -> None:
    found = list(answers(document))
    assert {"/auth/me", "/auth/sessions"} <= {path for path, _ in found}
    for path, answer in found:
        assert not any(INTERNAL.search(name) for name in answer["properties"]), path


async def test_tokens_come_from_these_routes_and_no_others(document: Schema) -> None:
    gives = {path for path, answer in answers(document) if "access_token" in answer["properties"]}
    assert gives == WAYS_IN


async def test_nothing_reminds_anybody_of_a_password(document: Schema) -> None:
    asked = {name for _, _, found in requests(document) for name in found["properties"]}
    kept = {column.key for table in (Account, AuthSession) for column in table.__table__.columns}
    assert not any(REMINDER.search(name) for name in asked | kept)
