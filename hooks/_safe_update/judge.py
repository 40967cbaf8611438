"""Looks at the tree after an update and says what did not arrive, or arrived badly."""

from . import conflicts, locking
from .manifest import ANSWERS, Manifest, parse_answers, read_manifest
from .options import CONFLICTS, INCOMPLETE, PASSED, TESTS_FAILED
from .repository import Repository
from .snapshot import Snapshot
from .summary import Summary


def judge(repository: Repository, snapshot: Snapshot, summary: Summary) -> None:
    """Fill in everything that can be seen in the tree."""
    project = repository.project
    manifest = read_manifest(project)
    kept = snapshot.ejected
    for path in sorted({*repository.changed(), *repository.added()}):
        summary.changed.setdefault(manifest.owner(path), []).append(path)
    summary.conflicts = conflicts.find(repository, snapshot) + conflicts.lost(repository, snapshot)
    summary.answers = _changed_answers(repository, snapshot)
    summary.missing = [
        f"{path}: --take-back {path} writes it again, or eject it"
        for path in manifest.missing(project)
        if path not in kept
    ]
    before = snapshot.notes.get("manifest", {})
    summary.ejected = [
        f"{path} ({reason})"
        for path, reason in kept.items()
        if isinstance(before, dict) and _moved_on(manifest, before, path)
    ]


def _moved_on(manifest: Manifest, before: dict[str, str], path: str) -> bool:
    digest = manifest.template.get(path)
    return digest is not None and (digest == "rendered" or digest != before.get(path))


def _changed_answers(repository: Repository, snapshot: Snapshot) -> list[str]:
    """Return the answers that nobody asked to change: a value that the template dropped."""
    after = parse_answers((repository.project / ANSWERS).read_text("utf-8"))
    return [
        f"{name}: {value} became {after.get(name, 'unset')}"
        for name, value in snapshot.answers.items()
        if not name.startswith("_") and name not in snapshot.switched and after.get(name) != value
    ]


def bring_floors(repository: Repository, snapshot: Snapshot, summary: Summary) -> None:
    """Lock what the release asks for, and name what stays below."""
    before = repository.git("show", f"{snapshot.head}:./pyproject.toml")
    reason = locking.bring_in(repository.project, before)
    summary.floors = [
        f"{name} >={floor}: run uv lock --upgrade-package {name}"
        if floor
        else f"{name}: run uv lock"
        for name, floor in sorted(locking.below(repository.project).items())
    ]
    if reason:
        summary.floors.insert(0, f"uv lock failed: {reason}")


def exit_code(summary: Summary) -> int:
    """Return what the whole update comes to."""
    if summary.conflicts or summary.answers:
        return CONFLICTS
    if summary.tests.startswith(("failed", "cannot")):
        return TESTS_FAILED
    return INCOMPLETE if summary.missing or summary.floors else PASSED
