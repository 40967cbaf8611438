# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The problem document as OpenAPI shows it."""

from typing import Any

from pydantic import BaseModel


class Problem(BaseModel):
    """What every error answers (RFC 9457), constant for each `error`."""

    type: str
    title: str
    status: int
    error: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can answer with these errors."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": "Problem details", "content": content} for status in statuses}
