"""One file of the program: its text, its tree, and whether it can register routes."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH119, PTH120
from __future__ import annotations

import os

from . import syntax as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .scope import Scope

# A file with none of these registers nothing; it is read when a name of it is used.
WORDS = (
    b"FastAPI(", b"APIRouter(", b"Starlette(", b"create_app(", b"include_router", b"add_api_",
    b"add_route(", b"add_websocket_route(", b".mount(", b".host(", b".frontend(", b".routes",
)  # fmt: skip
VERBS = frozenset((
    b"get", b"post", b"put", b"delete", b"patch", b"options", b"head", b"trace", b"websocket",
    b"api_route", b"route",
))  # fmt: skip
# A function whose lines hold one of these is worth running even when nothing is seen to call it.
CALLS = (
    b"FastAPI(", b"APIRouter(", b"Starlette(", b"create_app(",
    b".include_router(", b".add_api_route(", b".mount(", b".host(", b".add_api_websocket_route(",
    b".add_route(", b".add_websocket_route(", b".api_route(", b".websocket_route(", b".frontend(",
)  # fmt: skip


def decorators(source: bytes) -> Iterator[int]:
    """Yield where a source text holds `@name.get(` or another decorator that registers."""
    position = source.find(b"@")
    while position >= 0:
        end = source.find(b"(", position)
        name = source[position + 1 : end]
        if end >= 0 and name.rpartition(b".")[2] in VERBS and is_word(name.replace(b".", b"")):
            yield position
        position = source.find(b"@", position + 1)


def is_word(text: bytes) -> bool:
    """Say whether a text is letters, digits and underscores."""
    return text.replace(b"_", b"a").isalnum()


def places(source: bytes, words: Sequence[bytes]) -> Iterator[int]:
    """Yield where a source text holds one of some words that end in a bracket, not in a longer one.

    A short name after a dot is more often a method of something else: set.add(...).
    """
    for word in words:
        position = source.find(word)
        while position >= 0:
            before = source[position - 1 : position]
            if word[0] == 46 or not (is_word(before) or (before == b"." and len(word) < 5)):
                yield position
            position = source.find(word, position + 1)


def calls_one(source: bytes, names: Sequence[bytes]) -> bool:
    """Say whether a source text calls one of some functions, each named with its bracket."""
    return next(places(source, names), None) is not None


class Module:
    """One file of the program, or a folder that stands for a name space package."""

    __slots__ = (
        "broken", "display", "future", "is_package", "lines", "name", "path", "relevant",
        "running", "scope", "source", "tree", "work",
    )  # fmt: skip

    def __init__(self, path: str, name: str, display: str) -> None:
        self.path = path
        self.name = name
        self.display = display
        self.is_package = not path.endswith(".py") or os.path.basename(path) == "__init__.py"
        self.source: bytes = b""
        self.tree: ast.Module | None = None
        self.broken: SyntaxError | None = None
        self.lines: list[str] | None = None
        self.scope: Scope | None = None
        self.running = False
        self.future = False  # from __future__ import annotations
        self.relevant: bool | None = None
        self.work: list[int] | None = None

    def matters(self) -> bool:
        """Say whether running the file may register a route."""
        if self.relevant is None:
            source = self.source
            found = any(word in source for word in WORDS)
            self.relevant = found or next(decorators(source), None) is not None
        return self.relevant

    def sets_signatures(self) -> bool:
        """Say whether the file holds the machinery of class-based views."""
        return b"__signature__" in self.source

    def registers(self, first: int, last: int) -> bool:
        """Say whether something between two lines may register a route."""
        if self.work is None:
            text = self.source
            self.work, line, position = [], 1, 0
            for start in sorted([*places(text, CALLS), *decorators(text)]):
                line += text.count(b"\n", position, start)
                position = start
                self.work.append(line)
        return any(first <= line <= last for line in self.work)

    @property
    def folder(self) -> str:
        """The folder that relative imports start from."""
        return self.path if not self.path.endswith(".py") else os.path.dirname(self.path)

    def text_lines(self) -> list[str]:
        """Return the lines as text, without their ends."""
        if self.lines is None:
            self.lines = self.source.decode("utf-8-sig", "replace").splitlines()
        return self.lines

    def parse(self) -> ast.Module:
        """Return the syntax tree; a file that does not parse gives an empty one and is `broken`."""
        if self.tree is None:
            self.tree = ast.Module([], [])
            try:
                self.tree = ast.parse(self.source, self.path)
            except SyntaxError as error:
                from .modern import rewritten

                self.broken = error
                self.tree = rewritten(self.source, self.path) or self.tree
            except (ValueError, RecursionError, MemoryError) as error:
                self.broken = SyntaxError(f"{type(error).__name__}: {error}")
        return self.tree
