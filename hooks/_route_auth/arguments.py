"""The arguments of a call, and the place of it."""

from __future__ import annotations

from .values import Constant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import syntax as ast
    from .modules import Module
    from .values import Value


class Arguments:
    """The arguments of one call; `open` when unknown ones were spread into it."""

    __slots__ = ("keywords", "open", "positional")

    def __init__(
        self,
        positional: list[Value] | None = None,
        keywords: dict[str, Value] | None = None,
        *,
        open_: bool = False,
    ) -> None:
        self.positional = positional or []
        self.keywords = keywords or {}
        self.open = open_

    def get(self, name: str, position: int | None = None) -> Value | None:
        """Return the argument by its name or position, or None when it was not given."""
        if name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None

    def is_lenient(self) -> bool:
        """Say whether they ask an authentication factory to let anonymous requests through."""
        words = {"auto_error": False, "required": False, "optional": True}
        given = [(one, self.keywords.get(name)) for name, one in words.items()]
        return any(isinstance(value, Constant) and value.value is one for one, value in given)

    def extended(self, positional: list[Value], keywords: dict[str, Value]) -> Arguments:
        """Return these arguments followed by others, as `functools.partial` joins them."""
        return Arguments(
            [*self.positional, *positional], {**self.keywords, **keywords}, open_=self.open
        )


class Site:
    """A place in the program: the node that does something, and the module it stands in."""

    __slots__ = ("module", "node")

    def __init__(self, module: Module, node: ast.AST) -> None:
        self.module = module
        self.node = node

    @property
    def line(self) -> int:
        """The first line, counted from 1."""
        return getattr(self.node, "lineno", 1)

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes two sites the same."""
        return self.module.path, self.line, getattr(self.node, "col_offset", 0)

    def __str__(self) -> str:
        return f"{self.module.display}:{self.line}"
