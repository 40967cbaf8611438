"""The files of the program: found once, read once, parsed only when they matter."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH112, PTH113, PTH118, PTH120, PTH123, PTH206, PTH208
from __future__ import annotations

import os
import sys

from .modules import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import Config

SKIPPED_FOLDERS = {"node_modules", "__pycache__", "site-packages", "venv"}
BUILT = {"build", "dist"}


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
        entries = [os.path.normpath(os.path.join(self.config.root, one)) for one in self.config.src]
        files = dict.fromkeys(file for one in entries for file in sorted(_python_files(one)))
        return [self.module(file) for file in files if not self.config.excludes(file)]

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
            name for name in folders if name[0] != "."
            # A package of the program may well be called `build`: only the top holds a built copy.
            and name not in SKIPPED_FOLDERS and not (folder == path and name in BUILT)
            and not os.path.isfile(os.path.join(folder, name, "pyvenv.cfg"))
        ]  # fmt: skip
        yield from (os.path.join(folder, name) for name in files if name.endswith(".py"))
