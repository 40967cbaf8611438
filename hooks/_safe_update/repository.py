"""Asks git about the service's folder, which may lie anywhere inside a larger repository."""

from dataclasses import dataclass
from pathlib import Path

from .processes import GIT_SECONDS, Refusal, UpdateFailure, run

STATE = "gatehouse-update"


@dataclass(frozen=True)
class Repository:
    """The service's folder and the git repository around it."""

    project: Path

    def git(self, *words: str) -> str:
        """Run git in the service's folder and return what it prints."""
        done = run(["git", *words], self.project, GIT_SECONDS)
        if not done.ok:
            raise UpdateFailure(f"git {words[0]}: {done.reason}")
        return done.output

    def names(self, *words: str) -> list[str]:
        """Run a git command that prints names between NULs; they are relative to the service."""
        return [name for name in self.git(*words).split("\0") if name]

    def require_clean(self) -> None:
        """Refuse a folder that git does not know, or in which something is not committed."""
        if not run(["git", "rev-parse", "HEAD"], self.project, GIT_SECONDS).ok:
            raise Refusal(f"{self.project} is in no git repository with a commit: an update merges")
        unmerged = self.git("ls-files", "--unmerged", "--full-name", ":/")
        if unmerged:
            raise Refusal("the repository has unmerged files: finish that merge first")
        dirty = self.git("status", "--porcelain", "--", ".").splitlines()
        if dirty:
            shown = "".join(f"\n  {line}" for line in dirty[:10])
            more = f"\n  and {len(dirty) - 10} more" if len(dirty) > 10 else ""
            hint = "; --restore undoes the update that was begun" if self.state.exists() else ""
            raise Refusal(
                f"not everything is committed, so nobody could tell an update from your own "
                f"changes, or take it back. Commit or stash first{hint}:{shown}{more}"
            )

    def untracked(self, paths: list[str]) -> list[str]:
        """Return which of these paths lie in the folder and not in git (ignored, therefore)."""
        there = [path for path in paths if (self.project / path).is_file()]
        if not there:
            return []
        tracked = set(self.names("ls-files", "-z", "--", *there))
        return [path for path in there if path not in tracked]

    def head(self) -> str:
        """Return the commit that is checked out."""
        return self.git("rev-parse", "HEAD").strip()

    def changed(self) -> list[str]:
        """Return the tracked files that differ from the commit, deleted ones included."""
        return self.names("diff", "--name-only", "--relative", "-z", "HEAD", "--", ".")

    def deleted(self) -> list[str]:
        """Return the tracked files that are gone."""
        words = ("--name-only", "--relative", "-z", "--diff-filter=D", "HEAD", "--", ".")
        return self.names("diff", *words)

    def added(self) -> list[str]:
        """Return the files that git does not know and does not ignore."""
        return self.names("ls-files", "--others", "--exclude-standard", "-z", "--", ".")

    def rejects(self) -> list[str]:
        """Return every untracked `.rej` file, ignored ones included."""
        return self.names("ls-files", "--others", "-z", "--", "*.rej")

    def unmerged(self) -> list[str]:
        """Return the files with a conflict in the index."""
        return sorted(set(self.names("diff", "--name-only", "--relative", "-z", "--diff-filter=U")))

    @property
    def state(self) -> Path:
        """Where the update that is under way is written down, inside git's own folder."""
        found = self.git("rev-parse", "--absolute-git-dir").strip()
        prefix = self.git("rev-parse", "--show-prefix").strip().replace("/", "%")
        return Path(found) / f"{STATE}{'-' if prefix else ''}{prefix.removesuffix('%')}.json"
