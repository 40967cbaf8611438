"""Writes the template's own files again: after an eject, a deletion, or an edit nobody wants."""

import shutil
import sys
import tempfile
from pathlib import Path

from .copier import Copier
from .manifest import read_manifest
from .processes import Refusal, UpdateFailure


def take_back(copier: Copier, answers: dict[str, str], source: str, paths: list[str]) -> None:
    """Copy files out of a fresh rendering of the release that the service is at.

    Args:
        copier: for the service.
        answers: the service's, as recorded.
        source: where the template is; empty: where the answers say.
        paths: files of the template, relative to the service.
    """
    project = copier.repository.project
    owned = read_manifest(project)
    if strangers := [path for path in paths if owned.owner(path) != "template"]:
        raise Refusal(f"ownership.toml does not give these to the template: {', '.join(strangers)}")
    with tempfile.TemporaryDirectory(prefix="safe-update-") as name:
        fresh = Path(name) / "fresh"
        done = copier.render(source or answers["_src_path"], answers["_commit"], fresh)
        if not done.ok:
            raise UpdateFailure(f"Copier: {done.reason}")
        for path in paths:
            target = project / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(fresh / path, target)
            sys.stdout.write(f"{path} is the template's again; look at git diff, then commit\n")
