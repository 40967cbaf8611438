"""Reads what a service says about itself: answers, ownership, ejected files."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .processes import Refusal

ANSWERS = ".copier-answers.yml"
MANIFEST = "ownership.toml"
_ENTRY = re.compile(r'^"(?P<path>[^"]+)" = "', re.MULTILINE)


def parse_answers(text: str) -> dict[str, str]:
    """Return each answer as it is written, by its name; the file is flat YAML that Copier wrote."""
    answers: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in {"#", ""}:
            continue
        if line[:1] not in {" ", "-"} and ":" in line:
            name, _, value = line.partition(":")
            answers[name] = unquote(value.strip())
        elif name:
            answers[name] = f"{answers[name]} {line.strip()}".strip()
    return answers


def unquote(value: str) -> str:
    """Return a YAML scalar without its quotes."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value


@dataclass(frozen=True)
class Manifest:
    """Who owns which file, as ownership.toml says."""

    template: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    yours: tuple[str, ...] = ()

    def owner(self, path: str) -> str:
        """Return who owns a path: template, shared or yours."""
        if path in self.template:
            return "template"
        return "shared" if any(fnmatchcase(path, name) for name in self.shared) else "yours"

    def edited(self, project: Path) -> list[str]:
        """Return the template's plain files that are not as the template gave them."""
        return [
            path
            for path, digest in self.template.items()
            if digest != "rendered"
            and (project / path).is_file()
            and hashlib.sha256((project / path).read_bytes()).hexdigest() != digest
        ]

    def missing(self, project: Path) -> list[str]:
        """Return the template's files that are not there."""
        return [path for path in self.template if not (project / path).is_file()]


def read_manifest(project: Path) -> Manifest:
    """Return the manifest of a service, empty when it cannot be read."""
    data = _toml(project / MANIFEST)
    return Manifest(
        data.get("template", {}),
        tuple(data.get("shared", {}).get("paths", ())),
        tuple(data.get("yours", {}).get("paths", ())),
    )


def paths_in(text: str) -> list[str]:
    """Return every path that a manifest names under [template], also one not yet rendered."""
    return _ENTRY.findall(text)


def ejected(project: Path) -> dict[str, str]:
    """Return the files that the team took over, with its reasons, as pyproject.toml says.

    Raises:
        Refusal: it cannot be read, so that a file could be taken for the template's by mistake.
    """
    try:
        text = (project / "pyproject.toml").read_text("utf-8")
        tool = tomllib.loads(text).get("tool", {})
    except OSError:
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal(f"pyproject.toml cannot be read: {error}") from None
    table = tool.get("gatehouse", {}).get("eject", {})
    return {str(path): str(reason) for path, reason in table.items()}


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
