"""Asks the template which releases there are, and reads files of one of them."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import versions
from .processes import GIT_SECONDS, NETWORK_SECONDS, Done, Refusal, run

_SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_TAG = re.compile(r"^[0-9a-f]+\trefs/tags/(.+)$", re.MULTILINE)
# Nothing here may wait for somebody to type a password.
_QUIET = {"GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True)
class Template:
    """The template's repository.

    Attributes:
        source: its address or path, as in the answers.
        folder: where a service that names it by a relative path lies.
    """

    source: str
    folder: Path

    @property
    def address(self) -> str:
        """The address as git understands it."""
        for short, long in _SHORT.items():
            if self.source.startswith(short):
                return f"{long}{self.source.removeprefix(short).strip('/')}"
        path = Path(self.source).expanduser()
        local = path if path.is_absolute() else self.folder / path
        return str(local) if local.exists() else self.source.removeprefix("git+")

    def tags(self) -> list[str]:
        """Return the tags that are releases, oldest first.

        Raises:
            Refusal: the repository cannot be reached.
        """
        command = ["git", "ls-remote", "--tags", "--refs", "--", self.address]
        done = run(command, self.folder, NETWORK_SECONDS, _QUIET)
        if not done.ok:
            raise Refusal(
                f"the template {self.source} cannot be read ({done.reason}). Offline: --source "
                "with a local clone. Moved: --moved-to with its new address"
            )
        found = [tag for tag in _TAG.findall(done.output) if versions.is_version(tag)]
        return sorted(found, key=versions.key)

    def choose(self, wanted: str) -> str:
        """Return the tag or commit to update to: as wanted, or the newest final release."""
        tags = self.tags()
        if wanted:
            same = [tag for tag in tags if tag.removeprefix("v") == wanted.removeprefix("v")]
            if not same and versions.is_version(wanted):
                raise Refusal(f"the template has no release {wanted}; it has {', '.join(tags)}")
            return same[0] if same else wanted
        final = [tag for tag in tags if versions.is_final(tag)]
        if not final:
            raise Refusal(f"the template {self.source} has no release yet")
        return final[-1]

    @contextmanager
    def files(self, reference: str) -> Iterator["Files"]:
        """Give access to the files of one release; a far repository is fetched without history."""
        if Path(self.address).is_dir():
            yield Files(Path(self.address), reference)
            return
        with tempfile.TemporaryDirectory(prefix="safe-update-") as name:
            folder = Path(name)
            fetch = ["git", "fetch", "--quiet", "--depth=1", "--no-tags", "--", self.address]
            done = run(["git", "init", "--quiet", "--bare"], folder, GIT_SECONDS)
            if done.ok:
                done = run([*fetch, reference], folder, NETWORK_SECONDS, _QUIET)
            if not done.ok:
                raise Refusal(f"release {reference} of the template cannot be read: {done.reason}")
            yield Files(folder, "FETCH_HEAD")


@dataclass(frozen=True)
class Files:
    """The files of one commit of the template."""

    repository: Path
    commit: str

    def read(self, path: str) -> str:
        """Return a file's text, empty when this release has none."""
        done = self._git("show", f"{self.commit}:{path}")
        return done.output if done.ok else ""

    def exists(self) -> bool:
        """Tell whether the commit is there at all."""
        return self._git("cat-file", "-e", self.commit + "^{commit}").ok

    def _git(self, *words: str) -> Done:
        return run(["git", *words], self.repository, GIT_SECONDS)
