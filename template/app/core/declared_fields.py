# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Which field names a route declared: only these may be named in the answer to a bad request."""

from collections.abc import Iterator
from typing import Any, get_args

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def declared_fields(route: object) -> frozenset[str]:
    """Return the names of a route's parameters and of the fields of their models.

    Args:
        route: The matched route; anything but a FastAPI route declares nothing.
    """
    dependant = getattr(route, "dependant", None)
    return frozenset(_names(dependant)) if isinstance(dependant, Dependant) else frozenset()


def _names(dependant: Dependant) -> Iterator[str]:
    parameters = (
        dependant.path_params,
        dependant.query_params,
        dependant.header_params,
        dependant.cookie_params,
        dependant.body_params,
    )
    for fields in parameters:
        for field in fields:
            yield from _spellings(field.name, field.field_info)
            yield from _model_names(field.field_info.annotation)
    for inner in dependant.dependencies:
        yield from _names(inner)


def _model_names(annotation: Any) -> Iterator[str]:
    """Yield the fields of a model, or of every model in a union, a list or an Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from _spellings(name, field)
    for inner in get_args(annotation):
        yield from _model_names(inner)


def _spellings(name: str, field: FieldInfo) -> Iterator[str]:
    yield name
    yield from (alias for alias in (field.alias, field.validation_alias) if isinstance(alias, str))
