"""Reads CHANGELOG.md: releases, and in each the security entries that somebody must act on.

## 0.2.1 (2026-12-01)

### Security

#### A mounted app was not asked for a token
- Affected: 0.1.0 to 0.2.0
- Files: app/auth/guard.py, app/core/routes.py
- Action: update; then look for requests to mounts in the access log.

### Fixed
- ...
"""

import re
from dataclasses import dataclass, field

from . import versions

UNRELEASED = "Unreleased"
REQUIRED = ("affected", "files", "action")

_RELEASE = re.compile(r"\A## (?P<version>\S+)(?: \((?P<date>\d{4}-\d\d-\d\d)\))?\s*\Z")
_FIELD = re.compile(r"\A- (?P<name>Affected|Files|Action): *(?P<value>.*)\Z")


@dataclass
class SecurityEntry:
    """One weakness that a release closes."""

    version: str
    title: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def affected(self) -> str:
        """The releases that have the weakness, in words that `versions.affects` reads."""
        return self.fields.get("affected", "")

    @property
    def files(self) -> list[str]:
        """The files of a service that the fix changes."""
        return [name.strip() for name in self.fields.get("files", "").split(",") if name.strip()]

    @property
    def action(self) -> str:
        """What to do beside updating."""
        return self.fields.get("action", "")

    def lacks(self) -> list[str]:
        """Return what must be said and is not."""
        missing = [name for name in REQUIRED if not self.fields.get(name)]
        if not missing:
            try:
                versions.affects(self.affected, "0")
            except ValueError:
                missing.append("affected (as in: 0.1.0 to 0.1.4, 0.2.0; or: before 0.2.0)")
        return missing

    def concerns(self, version: str) -> bool:
        """Tell whether a release has the weakness; one that cannot be told is taken to have it."""
        try:
            return versions.affects(self.affected, version)
        except ValueError:
            return True


@dataclass
class Release:
    """What the changelog says about one release."""

    version: str
    date: str = ""
    security: list[SecurityEntry] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


def parse(text: str) -> list[Release]:
    """Return the releases of a changelog in its order, newest first."""
    releases: list[Release] = []
    section, last = "", ""
    for line in text.splitlines():
        if match := _RELEASE.match(line):
            releases.append(Release(match["version"], match["date"] or ""))
            section = last = ""
        elif line.startswith("### "):
            section, last = line[4:].strip(), ""
        elif releases and section == "Security":
            last = _security(releases[-1], line, last)
        elif releases and line.startswith("- "):
            releases[-1].other.append(f"{section}: {line[2:].strip()}")
        elif releases and releases[-1].other and line.startswith("  "):
            releases[-1].other[-1] += f" {line.strip()}"
    return releases


def _security(release: Release, line: str, last: str) -> str:
    """Take one line of a security section; return the field that the next line may go on with."""
    if line.startswith("#### "):
        release.security.append(SecurityEntry(release.version, line[5:].strip()))
        return ""
    entries = release.security
    if entries and (match := _FIELD.match(line)):
        entries[-1].fields[match["name"].lower()] = match["value"].strip()
        return match["name"].lower()
    if entries and last and line.startswith("  "):
        entries[-1].fields[last] += f" {line.strip()}"
        return last
    return ""


def between(releases: list[Release], begin: str, end: str) -> list[Release]:
    """Return the releases after one version up to another; an empty end means all newer ones."""
    found = []
    for release in releases:
        if not versions.is_version(release.version):
            if not end:
                found.append(release)
        elif (not begin or versions.key(release.version) > versions.key(begin)) and (
            not end or versions.key(release.version) <= versions.key(end)
        ):
            found.append(release)
    return found
