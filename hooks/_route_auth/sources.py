"""The files of the program: found once, read once, parsed only when they matter."""

from __future__ import annotations

import ast
import os
import re
import sys
from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import Config
    from .scope import Scope

# A file with none of these registers nothing; it is read when a name of it is used.
WORDS = (
    b"FastAPI(", b"APIRouter(", b"Starlette(", b"create_app(", b"include_router", b"add_api_",
    b"add_route(", b"add_websocket_route(", b".mount(", b".host(", b".frontend(", b".routes",
)  # fmt: skip
DECORATORS = re.compile(
    rb"@[\w.]+\.(?:get|post|put|delete|patch|options|head|trace|websocket|api_route|route)\("
)
# A function whose lines hold one of these is worth running even when nothing is seen to call it.
REGISTRATIONS = re.compile(
    rb"\b(?:FastAPI|APIRouter|Starlette|create_app)\(|\.(?:include_router|add_api_route|mount|host|"
    rb"add_api_websocket_route|add_route|add_websocket_route|api_route|websocket_route|frontend)\(|"
    rb"@[\w.]+\.(?:get|post|put|delete|patch|options|head|trace|websocket|route)\("
)
SKIPPED_FOLDERS = {"node_modules", "__pycache__", "site-packages", "venv", "build", "dist"}


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
            self.relevant = found or DECORATORS.search(source) is not None
        return self.relevant

    def sets_signatures(self) -> bool:
        """Say whether the file holds the machinery of class-based views."""
        return b"__signature__" in self.source

    def registers(self, first: int, last: int) -> bool:
        """Say whether something between two lines may register a route."""
        if self.work is None:
            text = self.source
            starts = [match.start() for match in REGISTRATIONS.finditer(text)]
            self.work, line, position = [], 1, 0
            for start in starts:
                line += text.count(b"\n", position, start)
                position = start
                self.work.append(line)
        index = bisect_left(self.work, first)
        return index < len(self.work) and self.work[index] <= last

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


class Sources:
    """Finds the files under the configured folders and the modules that imports name."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.modules: dict[str, Module] = {}
        self.found: dict[tuple[str, str], str | None] = {}
        self.listings: dict[str, frozenset[str]] = {}
        self.roots = self._import_roots()

    def _import_roots(self) -> list[str]:
        """Where absolute imports may start: each source's package parent, itself, the project."""
        roots: list[str] = []
        for entry in self.config.src:
            folder = os.path.join(self.config.root, entry)
            folder = folder if os.path.isdir(folder) else os.path.dirname(folder)
            folder = os.path.normpath(folder)
            top = folder
            while os.path.isfile(os.path.join(top, "__init__.py")):
                top = os.path.dirname(top)
            roots += [top, folder] if top == folder else [top]
            roots += [os.path.join(top, "src")] if top == folder else []
        roots.append(self.config.root)
        return list(dict.fromkeys(roots))

    def scan(self) -> list[Module]:
        """Read every file under `src`; return them in a fixed order."""
        found = []
        for entry in self.config.src:
            path = os.path.normpath(os.path.join(self.config.root, entry))
            for file in sorted(_python_files(path)):
                if not self.config.excludes(file) and file not in self.modules:
                    found.append(self.module(file))
        return found

    def module(self, path: str) -> Module:
        """Return the module at a path, reading it on first use."""
        module = self.modules.get(path)
        if module is None:
            root = self.config.root
            display = path[len(root) + 1 :] if path.startswith(root + os.sep) else path
            module = self.modules[path] = Module(path, self._name(path), display)
            if path.endswith(".py"):
                with open(path, "rb") as file:
                    module.source = file.read()
        return module

    def _name(self, path: str) -> str:
        """Return the dotted name of a file, as an import from the nearest root would write it."""
        starts = [root for root in self.roots if path.startswith(root + os.sep)]
        root = starts[0] if starts else os.path.dirname(path)
        parts = path[len(root) + 1 :].removesuffix(".py").split(os.sep)
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def resolve(self, dotted: str, importer: Module | None = None) -> Module | None:
        """Return the module that an absolute import means, or None when it is not the program's."""
        parts = dotted.split(".")
        roots = self.roots
        if importer is not None and parts[0] not in sys.stdlib_module_names:
            roots = [*roots, *self._script_folders(importer)]
        for root in roots:
            path = self._below(root, parts)
            if path is not None:
                return self.module(path)
        return None

    def relative(self, importer: Module, level: int, dotted: str) -> Module | None:
        """Return the module that `from ..dotted import` means in a file."""
        folder = importer.folder
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        path = self._below(folder, dotted.split(".") if dotted else [])
        return self.module(path) if path is not None else None

    def _script_folders(self, importer: Module) -> Iterator[str]:
        """Folders above a file that are no packages: Python starts there when run as a script."""
        folder = importer.folder
        while len(folder) > len(self.config.root):
            if not self._holds(folder, "__init__.py"):
                yield folder
            folder = os.path.dirname(folder)

    def _holds(self, folder: str, name: str) -> bool:
        listing = self.listings.get(folder)
        if listing is None:
            try:
                listing = frozenset(os.listdir(folder))
            except OSError:
                listing = frozenset()
            self.listings[folder] = listing
        return name in listing

    def _below(self, folder: str, parts: list[str]) -> str | None:
        key = folder, ".".join(parts)
        if key not in self.found:
            self.found[key] = self._look_below(folder, parts)
        return self.found[key]

    def _look_below(self, folder: str, parts: list[str]) -> str | None:
        for index, part in enumerate(parts):
            if self._holds(folder, part + ".py") and index == len(parts) - 1:
                package = os.path.join(folder, part, "__init__.py")
                return package if os.path.isfile(package) else os.path.join(folder, part + ".py")
            if not self._holds(folder, part):
                return None
            folder = os.path.join(folder, part)
        if not os.path.isdir(folder):
            return None
        return os.path.join(folder, "__init__.py") if self._holds(folder, "__init__.py") else folder


def _python_files(path: str) -> Iterator[str]:
    """Yield the Python files below a folder, without hidden, vendored or built ones."""
    if path.endswith(".py"):
        yield from [path] if os.path.isfile(path) else []
        return
    for folder, folders, files in os.walk(path):
        folders[:] = [
            name for name in folders if name[0] != "." and name not in SKIPPED_FOLDERS
            and not os.path.isfile(os.path.join(folder, name, "pyvenv.cfg"))
        ]  # fmt: skip
        yield from (os.path.join(folder, name) for name in files if name.endswith(".py"))
