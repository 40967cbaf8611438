# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""JSON as a security boundary reads it: one meaning or none."""

import json
from typing import Any


class MalformedJson(ValueError):
    """Not one JSON object in UTF-8 with unique member names."""


def parse_json_object(data: bytes) -> dict[str, Any]:
    """Parse strictly: UTF-8, one object, no name twice, no NaN (RFC 7515 section 4)."""
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique_members, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise MalformedJson from error
    if not isinstance(value, dict):
        raise MalformedJson
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member name stands twice")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
