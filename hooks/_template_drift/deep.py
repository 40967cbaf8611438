"""Renders the recorded release again, with Copier, and compares everything with that."""

from __future__ import annotations

import difflib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .comparing import NEVER_EJECTED, compare
from .findings import Finding
from .service import ANSWERS, CannotCheck, Service

FLOOR = "copier>=9.19.1"  # what the template asks for; earlier ones have advisories
TIME_OUT = 300  # seconds; a rendering takes one, fetching the template some more
# A release without tasks needs no trust, so one that asks for it is refused, not trusted.
RECOPY = ("recopy", "--defaults", "--overwrite", "--quiet")


@contextmanager
def rendered_again(service: Service) -> Iterator[Service]:
    """Give the recorded release, rendered with the recorded answers into a folder of its own.

    Raises:
        CannotCheck: no release is recorded, Copier is not there, or it failed.
    """
    if not service.release or not service.template:
        raise CannotCheck(f"{ANSWERS} records no release, so nothing can be rendered again")
    with tempfile.TemporaryDirectory(prefix="template-drift-") as folder:
        fresh = Path(folder, "service")
        fresh.mkdir()
        shutil.copy(service.path(ANSWERS), fresh)
        settings = Path(folder, "settings.yml")
        settings.write_text("{}\n")  # a developer's own defaults must not change the result
        command = [*_copier(), *RECOPY, f"--vcs-ref={service.release}", str(fresh)]
        environment = {**os.environ, "COPIER_SETTINGS_PATH": str(settings)}
        _run(command, service.root, environment)
        yield Service(str(fresh))


def _copier() -> Sequence[str]:
    if importlib.util.find_spec("copier"):
        return sys.executable, "-m", "copier"
    for command in (["copier"], ["uvx", "--from", FLOOR, "copier"]):
        if found := shutil.which(command[0]):
            return found, *command[1:]
    raise CannotCheck("a rendering needs Copier: install it, or uv, which runs it by uvx")


def _run(command: Sequence[str], folder: str, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, timeout=TIME_OUT,
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CannotCheck(f"Copier took more than {TIME_OUT} seconds") from None
    if done.returncode:
        why = " ".join(done.stderr.split()[-60:])
        raise CannotCheck(f"the recorded release could not be rendered again: {why}")


def compare_deeply(service: Service, fresh: Service) -> list[Finding]:
    """Return everything to say about a service, by what the release really renders."""
    found = set(compare(service, fresh.hashes))
    for path in NEVER_EJECTED[1:]:
        mine, theirs = _lines(service, path), _lines(fresh, path)
        # With edited answers another manifest is rendered, and the answers are a finding already.
        if mine != theirs and not any(one.kind == "answers" for one in found):
            found.add(Finding("manifest", path, "not what the release renders"))
    for path in fresh.shared:
        if gone := list(Counter(_lines(fresh, path)) - Counter(_lines(service, path))):
            text = f"{len(gone)} of the template's lines, the first is {gone[0].strip()!r}"
            found.add(Finding("shared", path, text))
    return sorted(found)


def differences(service: Service, fresh: Service, findings: Sequence[Finding]) -> str:
    """Return what changed in each file that was found changed, as a unified diff."""
    text = list[str]()
    for finding in findings:
        if finding.kind in {"changed", "manifest", "ejected"}:
            path = finding.path
            names = f"template/{path}", f"service/{path}"
            text += difflib.unified_diff(_lines(fresh, path), _lines(service, path), *names)
    return "".join(text)


def restore(service: Service, fresh: Service, paths: Sequence[str]) -> None:
    """Write the template's version of some files into the service.

    Raises:
        CannotCheck: one of them is no file of the template; nothing was written.
    """
    for path in paths:
        if path not in fresh.hashes or path == ANSWERS:
            raise CannotCheck(f"{path} is no file that the template could restore")
    for path in paths:
        target = Path(service.path(path))
        if target.is_symlink():
            target.unlink()  # writing must not go where the link leads
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fresh.path(path), target)


def _lines(service: Service, path: str) -> list[str]:
    file = Path(service.path(path))
    if not file.is_file():
        return []
    return file.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n").splitlines(True)
