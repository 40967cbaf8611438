"""Who owns which file of a rendered service, and which answers a file belongs to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pathspec
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template"

# template: merged by copier update, not edited. shared: merged, both append. yours: written once.
OWNERS: Mapping[str, tuple[str, ...]] = {
    "template": (
        ".copier-answers.yml",
        ".github/problem-matchers.json",
        ".github/update_from_template.py",
        ".github/workflows/ci.yml",
        ".github/workflows/deploy-cloud-run.yml",
        ".github/workflows/image.yml",
        ".github/workflows/update-from-template.yml",
        "SECURITY.md",
        "alembic.ini",
        "app/__init__.py",
        "app/__main__.py",
        "app/auth/**",
        "app/cli.py",
        "app/commands/**",
        "app/core/**",
        "deploy/cloud-run/manifests/**",
        "deploy/cloud-run/*.sh",
        "deploy/cloud-run/render.py",
        "deploy/docker-compose/Caddyfile",
        "deploy/docker-compose/compose.yaml",
        "deploy/docker-compose/database.sh",
        "deploy/docker-compose/secrets.sh",
        "deploy/kubernetes/base/**",
        "deploy/kubernetes/deploy.sh",
        "hooks/**",
        "migrations/auth_versions/**",
        "migrations/env.py",
        "migrations/script.py.mako",
        "ownership.toml",
        "tests/auth/**",
    ),
    "shared": (
        ".dockerignore",
        ".env.example",
        ".gitignore",
        ".pre-commit-config.yaml",
        "Dockerfile",
        "pyproject.toml",
    ),
    "yours": (
        "AGENTS.md",
        "README.md",
        "app/api/**",
        "app/main.py",
        "app/models/**",
        "app/scopes.py",
        "app/settings.py",
        "deploy/cloud-run/settings.env",
        "deploy/docker-compose/compose.override.yaml",
        "deploy/docker-compose/settings.env",
        "deploy/kubernetes/overlays/**",
        "migrations/app_versions/**",
        "renovate.json",
        "tests/__init__.py",
        "tests/app/**",
        "tests/conftest.py",
        "uv.lock",
    ),
}

_BLOCK = re.compile(r"\A{% if (?P<condition>.+?) %}\n(?P<paths>.*?){% endif %}\Z", re.DOTALL)
_ANSWERS_FILE = "{{_copier_conf.answers_file}}"


@dataclass(frozen=True)
class Block:
    """One block of the exclude table: while the condition holds, the paths are left out."""

    condition: str
    paths: tuple[str, ...]

    @property
    def seeds(self) -> bool:
        """Whether this is the block of the files that only `copier copy` writes."""
        return "_copier_operation" in self.condition

    def holds(self, path: str) -> bool:
        """Tell whether a path, or a folder above it, is named here."""
        return any(f"/{path}/".startswith(f"{named}/") for named in self.paths)


def questions() -> list[str]:
    """Return the names of the questions of copier.yml, in their order."""
    return [name for name in _copier_yml() if not name.startswith("_")]


def _copier_yml() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    return parsed


def exclude_table() -> tuple[list[Block], list[str]]:
    """Return the blocks of `_exclude` in copier.yml, and its patterns that always hold."""
    blocks, always = [], []
    for entry in _copier_yml()["_exclude"]:
        if match := _BLOCK.match(entry.strip()):
            blocks.append(Block(match["condition"], tuple(match["paths"].split())))
        else:
            always.append(entry)
    return blocks, always


def sources() -> Iterator[tuple[str, Path]]:
    """Yield the path in a service, and the source, of every file that some answers render."""
    ignored = pathspec.PathSpec.from_lines("gitignore", exclude_table()[1])
    for source in sorted(TEMPLATE.rglob("*")):
        relative = source.relative_to(TEMPLATE).as_posix()
        if source.is_file() and not ignored.match_file(relative):
            path = relative.removesuffix(".jinja").replace(_ANSWERS_FILE, ".copier-answers.yml")
            yield path, source


def owner_of(path: str) -> str:
    """Return who owns a path of a rendered service.

    Raises:
        LookupError: No owner, or more than one.
    """
    found = [
        owner
        for owner, patterns in OWNERS.items()
        if pathspec.PathSpec.from_lines("gitignore", [f"/{p}" for p in patterns]).match_file(path)
    ]
    if len(found) != 1:
        raise LookupError(f"{path} has {len(found)} owners; add it to OWNERS in {__name__}")
    return found[0]
