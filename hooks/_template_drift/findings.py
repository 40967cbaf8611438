"""What can be wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple  # dataclasses would cost a quarter of the time of a run

SELF = "python hooks/template_drift.py"
BACK = f"`{SELF} --restore PATH` brings the template's version back"
KEEP = '[tool.gatehouse.eject] in pyproject.toml keeps yours: "PATH" = "why"'

# Findings: the check fails. The first sentence is the head of the list, the second what to do.
FINDINGS: Mapping[str, tuple[str, str]] = {
    "missing": (
        "files of the template are missing: no fix to them ever arrives",
        f"{BACK}; {KEEP}.",
    ),
    "changed": (
        "files of the template were changed: fixes to them meet conflicts, or your change breaks"
        " what they promise",
        f"See the change by `{SELF} --deep --diff`. {BACK}; {KEEP}. When it was a formatter, leave"
        " the template's files out of it.",
    ),
    "answers": (
        "recorded answers are not those that the files were rendered with",
        "Put the old value back into .copier-answers.yml; to change an answer, then run"
        " `copier update --data NAME=VALUE`. When an update was committed in part, commit the"
        " rest.",
    ),
    "eject": (
        "lines of [tool.gatehouse.eject] in pyproject.toml are wrong",
        'A line is "PATH" = "why", with the path of a file of the template as in ownership.toml.',
    ),
    "manifest": (
        "the manifest itself was changed",
        f"`{SELF} --restore ownership.toml` brings it back.",
    ),
}
# Notes: said, but no failure.
NOTES: Mapping[str, tuple[str, str]] = {
    "line-endings": (
        "files of the template differ in their line endings only",
        "Harmless in a Windows checkout. If they are stored that way, every update conflicts:"
        " `git add --renormalize .` with `* text=auto` in .gitattributes.",
    ),
    "ejected": (
        "files are ejected: updates may conflict there, and fixes to them are yours to take over",
        f"To come back, remove the line from pyproject.toml; {BACK}.",
    ),
    "needless-eject": (
        "ejected files are the same as the template's",
        "Remove their lines from [tool.gatehouse.eject] in pyproject.toml.",
    ),
    "extra": (
        "files lie in folders of the template that it did not write",
        "Your own files are safer elsewhere (app/api, tests/app); a left-over can be deleted.",
    ),
    "shared": (
        "lines of the template were changed in files that you share with it",
        "Make sure that it is meant: an update merges them, or shows a conflict.",
    ),
    "release": (
        "no release is recorded",
        "The service was made from a plain folder: `copier update` cannot bring fixes to it.",
    ),
}


class Finding(NamedTuple):
    """One thing to say about one path.

    Attributes:
        kind: a name of FINDINGS or NOTES.
        path: the file it is about.
        message: what is so about it.
    """

    kind: str
    path: str
    message: str

    @property
    def fails(self) -> bool:
        """Whether it makes the check fail."""
        return self.kind in FINDINGS

    @property
    def head(self) -> str:
        """What all findings of the kind have in common."""
        return (FINDINGS.get(self.kind) or NOTES[self.kind])[0]

    @property
    def help(self) -> str:
        """What to do."""
        return (FINDINGS.get(self.kind) or NOTES[self.kind])[1]
