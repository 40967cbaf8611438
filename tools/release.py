"""Makes a release: refuses one that would break an update or leave people uninformed, then tags it.

python -m tools.release 0.2.0            check, test (unless this tree passed), tag, record
python -m tools.release 0.2.0 --landed   the same; CI has tested this commit, which has landed
python -m tools.release 0.2.0 --check    only say what stands against it

The tag lies on the commit that is checked out. A commit after it records where the tag lies, since
clones may come without tags. Nothing is pushed.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from _safe_update import changelog
from packaging.version import InvalidVersion, Version

from tools.compatibility import broken_questions, vanished_paths
from tools.manifest import MANIFEST, manifest
from tools.ownership import ROOT, sources
from tools.releases import RECORD, GitError, Release, git, record, recorded

REPORT = ROOT / "reports" / "matrix.json"
LANDED = "origin/main"  # what CI refuses does not get there


@dataclass(frozen=True)
class Candidate:
    """What is about to become a release."""

    version: str
    past: list[Release]

    @property
    def entry(self) -> changelog.Release | None:
        """What the changelog says about it."""
        found = changelog.parse((ROOT / "CHANGELOG.md").read_text("utf-8"))
        return next((release for release in found if release.version == self.version), None)


def version_is_next(candidate: Candidate) -> Iterator[str]:
    """Say when the version is none, or not newer than every release."""
    try:
        version = Version(candidate.version)
    except InvalidVersion:
        yield f"{candidate.version!r} is no version (PEP 440)"
        return
    if str(version) != candidate.version:
        yield f"write the version as {version}"
    for release in candidate.past:
        if Version(release.version) >= version:
            yield f"{candidate.version} is not newer than release {release.version}"
    if candidate.version in git(ROOT, "tag", "--list").split():
        yield f"the tag {candidate.version} exists already"


def tree_is_clean(_: Candidate) -> Iterator[str]:
    """Say when something is not committed: it would not be in the release."""
    for line in git(ROOT, "status", "--porcelain").splitlines():
        yield f"not committed: {line}"


def changelog_informs(candidate: Candidate) -> Iterator[str]:
    """Say when the changelog does not tell those who must act what they must know."""
    entry = candidate.entry
    if entry is None or not (entry.security or entry.other):
        yield f"CHANGELOG.md says nothing under `## {candidate.version} (YYYY-MM-DD)`"
        return
    if not entry.date:
        yield f"CHANGELOG.md: release {entry.version} has no date"
    known = {path for path, _ in sources()}
    for weakness in entry.security:
        for lack in weakness.lacks():
            yield f"CHANGELOG.md: security entry {weakness.title!r} lacks: {lack}"
        for path in weakness.files:
            if path not in known:
                yield f"CHANGELOG.md: {weakness.title!r} names {path}, which no service has"


def questions_are_kept(candidate: Candidate) -> Iterator[str]:
    """Say when old services would lose an answer."""
    new = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    for last in candidate.past[-1:]:
        yield from broken_questions(last.questions(), new)


def paths_are_kept(candidate: Candidate) -> Iterator[str]:
    """Say when old services would lose a file."""
    for last in candidate.past[-1:]:
        yield from vanished_paths(last, ROOT)


def manifest_is_fresh(_: Candidate) -> Iterator[str]:
    """Say when ownership.toml would call untouched files edited."""
    if MANIFEST.read_text("utf-8") != manifest():
        yield "template/ownership.toml.jinja is stale: run `make manifest` and commit"


CHECKS: tuple[Callable[[Candidate], Iterator[str]], ...] = (
    version_is_next,
    tree_is_clean,
    changelog_informs,
    questions_are_kept,
    paths_are_kept,
    manifest_is_fresh,
)


def proof() -> str:
    """Return why the last run of `make test` does not prove this tree; empty when it does."""
    try:
        figures = json.loads(REPORT.read_text("utf-8"))
    except (OSError, ValueError):
        return "`make test` has not been run"
    if figures.get("tree") != git(ROOT, "rev-parse", "HEAD^{tree}").strip():
        return "`make test` was run on another tree, or on one with uncommitted changes"
    failed, passed = figures.get("tests_failed"), figures.get("tests_passed")
    return "" if failed == 0 and passed else f"the tests fail: {failed} of {passed}"


def proof_of_landing() -> str:
    """Return why CI has not tested this very commit; empty when the main branch ends with it.

    A commit below the end was perhaps never tested by itself, so it does not count.
    """
    last, head = git(ROOT, "rev-parse", "--verify", LANDED), git(ROOT, "rev-parse", "HEAD")
    return "" if last == head else f"{LANDED} ends with {last.strip()}, not with this commit"


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tools.release")
    parser.add_argument("version")
    parser.add_argument("--check", action="store_true", help="only say what stands against it")
    parser.add_argument("--landed", action="store_true", help="CI has tested this very commit")
    return parser.parse_args()


def main() -> int:
    """Check, and unless told only to check: test, tag, record."""
    wanted = arguments()
    try:
        candidate = Candidate(wanted.version, recorded(ROOT))
        refusals = [sentence for check in CHECKS for sentence in check(candidate)]
        if wanted.landed and (reason := proof_of_landing()):
            refusals.append(reason)
    except GitError as error:
        refusals = [str(error)]
    if not (refusals or wanted.check or wanted.landed) and (reason := proof()):
        print(f"{reason}: running it now", flush=True)
        subprocess.run(["make", "test"], cwd=ROOT, check=False)  # noqa: S607 - make is on PATH
        refusals = [proof()] if proof() else []
    for sentence in refusals:
        print(f"refused: {sentence}", file=sys.stderr)
    if refusals or wanted.check:
        return 1 if refusals else 0
    release(candidate)
    return 0


def release(candidate: Candidate) -> None:
    """Tag the commit that is checked out, and record where the tag lies in a commit after it."""
    entry = candidate.entry or changelog.Release(candidate.version)
    commit = git(ROOT, "rev-parse", "HEAD").strip()
    titles = [f"Security: {weakness.title}" for weakness in entry.security]
    message = "\n".join([f"Release {candidate.version}", *([""] if titles else []), *titles])
    git(ROOT, "tag", "--annotate", candidate.version, "--message", message)
    record(ROOT, candidate.version, commit, entry.date, security=bool(entry.security))
    git(ROOT, "add", str(Path(RECORD)))
    git(ROOT, "commit", "--message", f"Record where release {candidate.version} lies")
    print(f"release {candidate.version} is {commit}; push with: git push --follow-tags")


if __name__ == "__main__":
    sys.exit(main())
