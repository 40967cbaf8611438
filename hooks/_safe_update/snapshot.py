"""Remembers how the tree was before an update, and brings that back exactly."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .processes import Refusal
from .repository import Repository


@dataclass
class Snapshot:
    """What must be known to take an update back, or to judge it.

    Attributes:
        head: the commit before the update; all of the service was committed there.
        begin: the release before.
        end: the release that was asked for.
        answers: the answers before, as written.
        switched: the answers that were asked to change.
        edited: template files that were not as the template gave them.
        ejected: files that the team took over, and why.
        added: files that the update made; None while it is under way.
        rejects: `.rej` files that lay there before.
        notes: what the summary needs again after conflicts were resolved.
    """

    head: str
    begin: str
    end: str
    answers: dict[str, str]
    switched: dict[str, str] = field(default_factory=dict)
    edited: list[str] = field(default_factory=list)
    ejected: dict[str, str] = field(default_factory=dict)
    added: list[str] | None = None
    rejects: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def save(self, repository: Repository) -> None:
        """Write it down inside git's folder, so that it is in nobody's way."""
        repository.state.write_text(json.dumps(asdict(self)), "utf-8")


def load(repository: Repository) -> Snapshot:
    """Return the snapshot of the last update.

    Raises:
        Refusal: there is none, or its work was committed since.
    """
    try:
        snapshot = Snapshot(**json.loads(repository.state.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        raise Refusal("no update is under way here") from None
    if repository.head() != snapshot.head:
        raise Refusal(
            "something was committed since the update began; `git revert` undoes a commit"
        )
    return snapshot


def restore(repository: Repository, snapshot: Snapshot) -> None:
    """Bring the service's folder back to how it was; what lies beside it is not touched."""
    # The tree was clean, so what git does not know was made by an update that was interrupted.
    made = repository.added() if snapshot.added is None else snapshot.added
    repository.git("reset", "--quiet", "--", ".")
    repository.git("checkout", "--quiet", snapshot.head, "--", ".")
    repository.git("reset", "--quiet", "--", ".")
    still = set(repository.added())
    rejects = set(repository.rejects()) - set(snapshot.rejects)
    for name in (set(made) & still) | rejects:
        _remove(repository.project, name)
    repository.state.unlink(missing_ok=True)


def _remove(project: Path, name: str) -> None:
    """Delete a file, and the folders that it leaves empty."""
    file = project / name
    file.unlink(missing_ok=True)
    for folder in file.parents:
        if folder == project or any(folder.iterdir()):
            return
        folder.rmdir()
