# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What FastAPI makes of the signatures of endpoints and dependencies, made once for all apps.

The tests build hundreds of apps from the same functions, and this is most of building one.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar

import fastapi.dependencies.utils
import fastapi.routing
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.utils import create_model_field

MOST = 4096  # those of a test's own functions go when there are so many

T = TypeVar("T")


class Once(Generic[T]):
    """Calls a function once for the same arguments.

    Args:
        function: what it returns depends on its arguments alone.
        copied: what a caller gets of it, where callers change it.
    """

    def __init__(
        self, function: Callable[..., T], copied: Callable[[T], T] = lambda made: made
    ) -> None:
        self._function = function
        self._copied = copied
        # The arguments are kept too: their ids stay theirs.
        self._made: dict[tuple[object, ...], tuple[T, dict[str, Any]]] = {}

    def __call__(self, **arguments: Any) -> T:
        """Return what the function returned for these arguments."""
        key = tuple(each for pair in arguments.items() for each in (pair[0], _mark(pair[1])))
        if key not in self._made:
            if len(self._made) >= MOST:
                self._made.clear()
            self._made[key] = self._function(**arguments), arguments
        return self._copied(self._made[key][0])


def _mark(argument: object) -> object:
    """Return what tells an argument apart: its value if it is text, else its identity."""
    if isinstance(argument, list):
        return tuple(argument)
    return argument if isinstance(argument, str) else id(argument)


def _own_lists(dependant: Dependant) -> Dependant:
    """Return a copy, before whose dependencies FastAPI puts those of the routers."""
    return replace(dependant, dependencies=[*dependant.dependencies])


@pytest.fixture(scope="session", autouse=True)
def _read_once() -> Iterator[None]:
    """Read signatures once in the whole session."""
    read = Once(fastapi.dependencies.utils.get_dependant, _own_lists)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastapi.dependencies.utils, "get_dependant", read)
        patch.setattr(fastapi.routing, "get_dependant", read)
        # The answers' models.
        patch.setattr(fastapi.routing, "create_model_field", Once(create_model_field))
        yield
