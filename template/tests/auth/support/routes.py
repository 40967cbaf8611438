# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Every route of the finished app, as the guard walks it, so that a new one is tested unasked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.auth.guard import walk_routes

PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@dataclass(frozen=True)
class Operation:
    """One method of one route.

    Attributes:
        method: the HTTP method.
        path: the path with its parameters in braces.
        authenticated: whether the guard found the authentication dependency before it.
    """

    method: str
    path: str
    authenticated: bool

    @property
    def parameters(self) -> list[str]:
        """The names of the path's parameters."""
        return PARAMETER.findall(self.path)

    def with_parameters(self, **values: object) -> str:
        """Return the path with values in place of its parameters."""
        return PARAMETER.sub(lambda found: str(values[found[1]]), self.path)


def operations(app: FastAPI) -> list[Operation]:
    """Return every method of every route that the guard gave a verdict on, mounts aside."""
    verdicts = {(each.path, each.endpoint): each.authenticated for each in walk_routes(app.router)}
    found = list(_operations(app, verdicts))
    assert len(found) > 15, "the walk does not fit this version of FastAPI"
    return found


def _operations(app: FastAPI, verdicts: dict[tuple[str, object], bool]) -> Iterator[Operation]:
    for context in iter_route_contexts(app.router.routes):
        for method in sorted(context.methods or ()):
            path = str(context.path)
            yield Operation(method, path, verdicts[path, context.endpoint])
