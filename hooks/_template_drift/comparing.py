"""Compares a service with its manifest; no process is started and no network is used."""

# Importing pathlib costs a third of the time that a run takes.
# ruff: noqa: PTH118
from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping

from .findings import Finding
from .service import ANSWERS, MANIFEST, PROJECT, Service, read

# Without these the check means nothing, so they cannot be left to the user.
NEVER_EJECTED = (ANSWERS, MANIFEST)
LEFT_BEHIND = ("__pycache__", ".DS_Store")


def compare(service: Service, hashes: Mapping[str, str] | None = None) -> list[Finding]:
    """Return everything to say about a service.

    Args:
        service: the service.
        hashes: what its files must be, instead of what its own manifest says.
    """
    wanted = service.hashes if hashes is None else hashes
    found = [
        *_answers(service),
        *_files(service, wanted),
        *_wrong_ejects(service, wanted),
        *_extras(service, wanted),
    ]
    if not service.release and service.recorded:
        found.append(Finding("release", ANSWERS, "has no _commit"))
    return sorted(found)


def _files(service: Service, hashes: Mapping[str, str]) -> Iterator[Finding]:
    for path, wanted in hashes.items():
        difference = _difference(service.path(path), wanted)
        if path in service.ejected and path not in NEVER_EJECTED:
            reason = service.ejected[path]
            if difference:
                yield Finding("ejected", path, f"{difference[1]}: {reason}")
            elif wanted != "rendered":
                yield Finding("needless-eject", path, f"the template's own version: {reason}")
        elif difference:
            yield Finding(difference[0], path, difference[1])


def _difference(path: str, wanted: str) -> tuple[str, str] | None:
    """Return the kind of a difference and the words for it, or None."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "missing", "deleted"
    if not stat.S_ISREG(mode):
        return "changed", "no plain file"
    if wanted == "rendered":
        return None  # only a new rendering can tell
    content = read(path)
    if hashlib.sha256(content).hexdigest() == wanted:
        return None
    if b"\r\n" in content:
        unix = content.replace(b"\r\n", b"\n")
        if hashlib.sha256(unix).hexdigest() == wanted:
            return "line-endings", "CRLF"
    return "changed", "not the template's content"


def _answers(service: Service) -> Iterator[Finding]:
    """Compare the recorded answers with those in the manifest, which the template rendered."""
    if not service.rendered or not service.recorded:
        return  # the manifest of an early release, or a missing file, which is a finding already
    for name, rendered in service.rendered.items():
        recorded = service.recorded.get(name, "" if name == "_commit" else None)
        if recorded is None:
            yield Finding("answers", ANSWERS, f"{name} is gone, the files have {_say(rendered)}")
        elif recorded != rendered:
            text = f"{name} is {_say(recorded)}, the files have {_say(rendered)}"
            yield Finding("answers", ANSWERS, text)
    for name in service.recorded:
        if name not in service.rendered and not name.startswith("_"):
            yield Finding("answers", ANSWERS, f"{name} is no question of this release")


def _say(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _wrong_ejects(service: Service, hashes: Mapping[str, str]) -> Iterator[Finding]:
    for path, reason in service.ejected.items():
        if path in NEVER_EJECTED:
            yield Finding("eject", PROJECT, f"{path} cannot be ejected: this check reads it")
        elif path not in hashes:
            yield Finding("eject", PROJECT, f"{path} is no file of the template")
        elif not isinstance(reason, str) or not reason.strip():
            yield Finding("eject", PROJECT, f"{path} has no reason")


def _extras(service: Service, hashes: Mapping[str, str]) -> Iterator[Finding]:
    for top in service.folders:
        for folder, folders, files in os.walk(service.path(top)):
            folders[:] = [name for name in folders if name not in LEFT_BEHIND and name[0] != "."]
            for name in files:
                path = os.path.relpath(os.path.join(folder, name), service.root)
                path = path.replace(os.sep, "/")
                if path not in hashes and name not in LEFT_BEHIND and not name.endswith(".pyc"):
                    yield Finding("extra", path, "not written by the template")
