"""A service as it lies on disk: its manifest, its recorded answers and what it ejected."""

# Importing pathlib costs a third of the time that a run takes.
# ruff: noqa: PTH100, PTH109, PTH113, PTH118, PTH120, PTH123
from __future__ import annotations

import os
import tomllib

from . import answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MANIFEST, ANSWERS, PROJECT = "ownership.toml", ".copier-answers.yml", "pyproject.toml"


class CannotCheck(Exception):
    """The check could not be made; the message says why and what to do."""


class Service:
    """What the check reads of a service.

    Attributes:
        root: the folder of the service.
        hashes: the SHA-256 of each file of the template by its path, or "rendered".
        folders: the folders where every file is the template's.
        shared: the paths that template and user share.
        rendered: the answers that the files were rendered with; empty before release 0.2.0.
        recorded: what .copier-answers.yml says; empty when it is gone.
        ejected: the reason of each ejected path, whatever stands there.
    """

    def __init__(self, root: str) -> None:
        """Read a service.

        Raises:
            CannotCheck: a file that the check needs is missing or cannot be read.
        """
        self.root = root
        manifest = read_toml(root, MANIFEST)
        if "template" not in manifest:
            raise CannotCheck(f"{MANIFEST} lists no files: take it back from git")
        self.hashes: dict[str, str] = manifest["template"]
        self.folders: list[str] = manifest.get("folders", {}).get("template", [])
        self.shared: list[str] = manifest.get("shared", {}).get("paths", [])
        self.rendered: dict[str, answers.Answer] = manifest.get("answers", {})
        self.recorded = self._recorded()
        self.ejected = self._ejected()

    @property
    def release(self) -> str:
        """The release that the service records, or an empty text."""
        return str(self.recorded.get("_commit", ""))

    @property
    def template(self) -> str:
        """Where the template lies, or an empty text."""
        return str(self.recorded.get("_src_path", ""))

    def path(self, relative: str) -> str:
        """Return where a path of the service lies."""
        return os.path.join(self.root, relative)

    def _recorded(self) -> dict[str, answers.Answer]:
        if not os.path.isfile(self.path(ANSWERS)):
            return {}  # a missing file is a finding of its own
        try:
            return answers.read(read(self.path(ANSWERS)).decode())
        except ValueError as error:
            raise CannotCheck(f"{ANSWERS}: {error}") from None

    def _ejected(self) -> dict[str, object]:
        if not os.path.isfile(self.path(PROJECT)):
            return {}
        table = read_toml(self.root, PROJECT)
        for name in ("tool", "gatehouse", "eject"):
            table = table.get(name, {})
            if not isinstance(table, dict):
                raise CannotCheck(f'{PROJECT}: [tool.gatehouse.eject] holds lines "path" = "why"')
        return table


def find_root(wanted: str | None) -> str:
    """Return the folder of the service: as asked for, else here, else the one above hooks/.

    Raises:
        CannotCheck: there is no manifest in any of them.
    """
    above_hooks = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    for folder in [wanted] if wanted is not None else [os.getcwd(), above_hooks]:
        if os.path.isfile(os.path.join(folder, MANIFEST)):
            return folder
    raise CannotCheck(
        f"there is no {MANIFEST} in {wanted or 'this folder'}: run it in a rendered service, or"
        " name the folder by --root; when the file was deleted, take it back from git"
    )


def read(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        CannotCheck: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CannotCheck(f"{path}: {error.strerror}") from None


def read_toml(root: str, name: str) -> dict[str, Any]:
    """Return a TOML file of a service.

    Raises:
        CannotCheck: it cannot be read, or is no TOML.
    """
    content = read(os.path.join(root, name))
    try:
        return tomllib.loads(content.decode().replace("\r\n", "\n"))
    except ValueError as error:
        conflict = content.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in content
        hint = " (it has conflict markers: resolve them first)" if conflict else ""
        raise CannotCheck(f"{name} is no TOML{hint}: {error}") from None
