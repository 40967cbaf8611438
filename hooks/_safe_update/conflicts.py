"""Finds what an update left for people: conflicts, rejects, edits that went with a file."""

from collections.abc import Iterator
from dataclasses import dataclass

from .manifest import Manifest, read_manifest
from .repository import Repository
from .snapshot import Snapshot

_BEGIN, _END = b"<<<<<<< ", b">>>>>>> "

ADVICE = {
    "template": (
        "this file belongs to the template. Take its lines (git checkout --theirs -- {path}), make "
        "your change where it is yours (app/main.py, app/settings.py, app/api), or eject the file"
    ),
    "shared": "keep the template's lines above the 'yours below' comment and yours below it",
    "yours": "the template brings a file where you have one: rename yours, or merge them",
}
LOST = (
    "the update removes this file, and your edits with it. They are in git show {head}:{path}; "
    "carry over what you still need"
)
REJECTED = "a part of your change found no place; put it in by hand, then delete the .rej file"
DONE = "then: git add {path}"


@dataclass(frozen=True)
class Conflict:
    """One file that somebody must look at, and what to do."""

    path: str
    owner: str
    kind: str
    advice: str


def find(repository: Repository, snapshot: Snapshot) -> list[Conflict]:
    """Return every conflict that the update left, by file."""
    manifest = read_manifest(repository.project)
    unmerged = repository.unmerged()
    marked = [path for path in _marked(repository) if path not in unmerged]
    found = [_merge(manifest, path, "unmerged") for path in unmerged]
    found += [_merge(manifest, path, "conflict markers") for path in marked]
    for path in sorted(set(repository.rejects()) - set(snapshot.rejects)):
        owner = manifest.owner(path.removesuffix(".rej"))
        found.append(Conflict(path, owner, "rejected change", REJECTED))
    return found


def lost(repository: Repository, snapshot: Snapshot) -> list[Conflict]:
    """Return the files that the update removed although somebody had edited them."""
    edited = set(snapshot.edited)
    return [
        Conflict(path, "template", "lost edits", LOST.format(path=path, head=snapshot.head[:12]))
        for path in repository.deleted()
        if path in edited
    ]


def _merge(manifest: Manifest, path: str, kind: str) -> Conflict:
    owner = manifest.owner(path)
    advice = f"{ADVICE[owner]}; {DONE}".format(path=path)
    return Conflict(path, owner, kind, advice)


def _marked(repository: Repository) -> Iterator[str]:
    """Yield the files of this update that hold conflict markers."""
    for path in [*repository.changed(), *repository.added()]:
        file = repository.project / path
        if file.is_file() and not file.is_symlink():
            lines = file.read_bytes().splitlines()
            if any(line.startswith(_BEGIN) for line in lines) and any(
                line.startswith(_END) for line in lines
            ):
                yield path
