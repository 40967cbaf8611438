"""Brings the floors that a release raised into the service's own lock file."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

from . import versions
from .processes import NETWORK_SECONDS, run

LOCK = "uv.lock"
_REQUIREMENT = re.compile(r"\A\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)[^<>=!~;]*(?P<rest>[^;]*)")
_FLOOR = re.compile(r">=\s*([0-9][0-9A-Za-z.]*)")


def requirements(text: str) -> dict[str, str]:
    """Return the floor of each requirement of a pyproject.toml, by normalised name; "" for none."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    groups: list[Any] = [*data.get("project", {}).get("dependencies", [])]
    for group in data.get("dependency-groups", {}).values():
        groups += group
    found: dict[str, str] = {}
    for requirement in groups:
        if isinstance(requirement, str) and (match := _REQUIREMENT.match(requirement)):
            floor = _FLOOR.search(match["rest"])
            found[normal(match["name"])] = floor[1] if floor else ""
    return found


def normal(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(text: str) -> dict[str, str]:
    """Return the version of each package in a uv.lock, by name."""
    try:
        packages = tomllib.loads(text).get("package", [])
    except tomllib.TOMLDecodeError:
        return {}
    return {normal(p["name"]): p["version"] for p in packages if "version" in p}


def below(project: Path) -> dict[str, str]:
    """Return the packages that the lock holds in a version below the floor, or not at all."""
    try:
        lock = locked((project / LOCK).read_text("utf-8"))
        wanted = requirements((project / "pyproject.toml").read_text("utf-8"))
    except OSError:
        return {}
    return {
        name: floor
        for name, floor in wanted.items()
        if name not in lock or (floor and not _reaches(lock[name], floor))
    }


def _reaches(version: str, floor: str) -> bool:
    try:
        return versions.key(version) >= versions.key(floor)
    except ValueError:
        return True  # an unusual version; uv itself judges it at the next sync


def bring_in(project: Path, before: str) -> str:
    """Lock what the release asks for; return why that failed, or nothing.

    Args:
        project: the service.
        before: its pyproject.toml before the update.
    """
    wanted = requirements((project / "pyproject.toml").read_text("utf-8"))
    old = below(project)
    if not (project / LOCK).exists() or not wanted or (not old and wanted == requirements(before)):
        return ""
    uv = shutil.which("uv")
    if uv is None:
        return "uv is not on PATH" if old else ""
    names = [word for name in sorted(old) for word in ("--upgrade-package", name)]
    done = run([uv, "lock", "--quiet", *names], project, NETWORK_SECONDS)
    return "" if done.ok else done.reason
