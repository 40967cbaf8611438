"""What Google's own description of the Cloud Run Admin API says against a manifest.

The description (a discovery document) comes with google-api-python-client, so nothing is asked for
over the network. It is loose, a server ignores nothing: here every name that it does not know is an
error, and so is an annotation at a place where it has no meaning.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

DOCUMENT = "discovery_cache/documents/run.v1.json"
# A 64-bit number is a text in JSON as Google writes it, and either is read.
NUMBERS = {"int64": (int, str), "int32": (int,)}
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
# Objects of Kubernetes that Cloud Run speaks for, and what their annotations are called there.
ANNOTATED = {"Service": "Service", "Job": "Job", "RevisionTemplate": "Revision"}
ANNOTATED |= {"ExecutionTemplateSpec": "Execution"}


@cache
def schemas() -> dict[str, Any]:
    """Return the schemas of the API, version 1."""
    text = files("googleapiclient").joinpath(DOCUMENT).read_text("utf-8")
    found: dict[str, Any] = json.loads(text)["schemas"]
    return found


@cache
def annotations() -> dict[str, frozenset[str]]:
    """Return each annotation of Cloud Run with the kinds of objects that it has a meaning on."""
    described = schemas()["ObjectMeta"]["properties"]["annotations"]["description"]
    listed = re.findall(r"\* `([\w./-]+)`: ([\w, ]+)", described)
    return {name: frozenset(kinds.strip(" ,").split(", ")) for name, kinds in listed}


def errors(manifest: dict[str, Any]) -> list[str]:
    """Return everything that the API would not understand in a manifest."""
    kind = str(manifest.get("kind"))
    if kind not in {"Service", "Job"}:
        return [f"kind {kind} is not known"]
    return [*_object(manifest, kind, kind)]


def _object(value: Any, name: str, path: str) -> Iterator[str]:
    properties = schemas()[name]["properties"]
    if not isinstance(value, dict):
        yield f"{path} is no object"
        return
    for key, inner in value.items():
        if key not in properties:
            yield f"{path}.{key} is not known"
        else:
            yield from _value(inner, properties[key], f"{path}.{key}")
    if name in ANNOTATED:
        for annotation in value.get("metadata", {}).get("annotations", {}):
            places = annotations().get(annotation, frozenset())
            if "All resources" not in places and ANNOTATED[name] not in places:
                yield f"{path}: the annotation {annotation} means nothing here"


def _value(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _object(value, schema["$ref"], path)
    elif schema["type"] == "array":
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for number, item in enumerate(value):
            yield from _value(item, schema["items"], f"{path}[{number}]")
    elif schema["type"] == "object":
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        for key, inner in value.items():
            yield from _value(inner, schema["additionalProperties"], f"{path}.{key}")
    else:
        yield from _plain(value, schema, path)


def _plain(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    wanted = NUMBERS.get(schema.get("format", ""), TYPES[schema["type"]])
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        yield f"{path} is {value!r}, not {schema.get('format', schema['type'])}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}, not one of {schema['enum']}"
