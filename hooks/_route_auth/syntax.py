"""Python's syntax trees. Importing `ast` itself would cost a twentieth of the time of a run."""

from __future__ import annotations

import _ast
from _ast import *  # noqa: F403 - the classes of all nodes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def parse(source: str | bytes, path: str = "<unknown>", mode: str = "exec") -> Any:
    """Return the tree of a source text."""
    return compile(source, path, mode, _ast.PyCF_ONLY_AST, dont_inherit=True)


def check(source: bytes, path: str) -> None:
    """Parse a source text without building its tree in Python, which costs a third more.

    Python looks at imports from the future right after parsing: one that it does not know ends
    its work there. Where an encoding or a mark stands first, nothing can be put before it.

    Raises:
        SyntaxError: The text does not parse.
        ValueError: It holds null bytes.
    """
    start = source[:200]
    if b"coding" in start or start.startswith(b"\xef\xbb\xbf"):
        parse(source, path)
        return
    try:
        compile(b"from __future__ import nothing\n" + source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        if error.lineno != 1 or "nothing" not in error.msg:
            parse(source, path)
            raise


def children(node: _ast.AST) -> Iterator[_ast.AST]:
    """Yield the nodes right below a node."""
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, _ast.AST):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, _ast.AST))


def walk(node: _ast.AST) -> Iterator[_ast.AST]:
    """Yield a node and all nodes below it."""
    waiting = [node]
    for one in waiting:
        waiting.extend(children(one))
        yield one
