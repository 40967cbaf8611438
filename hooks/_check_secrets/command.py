"""The command line: options, exit codes and nothing else."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH113, PTH123
from __future__ import annotations

import os
import sys
from fnmatch import fnmatchcase

from .git import MAX_BYTES, CannotCheck, Content, NoRepository, contents, on_disk, staged, tracked
from .output import FORMATS, render
from .rules import Finding
from .scanning import scan

CLEAN, FINDINGS, UNCHECKED = 0, 1, 2
PROJECT = "pyproject.toml"
USAGE = """\
usage: check_secrets.py [--all | FILE...] [--output-format concise|json|github]

Finds secrets in what git would commit: .env files, private keys (PEM, JWK), API keys and access
tokens of a Gatehouse service, secrets with a value, published examples of secrets.

  (nothing)   what is staged
  FILE...     these files as they are in the index, or on disk when git does not know them
  --all       everything in the index

An exception is a comment `check-secrets: allow WHY` beside the line or above it, or for a file
without comments a line of [tool.gatehouse.secrets] in pyproject.toml: "PATH" = "WHY".

exit codes: 0 nothing found, 1 findings, 2 the check could not be made
"""


class Options:
    """The command line, read."""

    def __init__(self, words: list[str]) -> None:
        """Read the command line.

        Raises:
            CannotCheck: a word means nothing; the message says which.
        """
        self.form = "concise"
        self.all = self.help = False
        self.files: list[str] = []
        rest = [part for word in words for part in _split(word)]
        while rest:
            word = rest.pop(0)
            if word == "--all":
                self.all = True
            elif word in {"-h", "--help"}:
                self.help = True
            elif word == "--output-format" and rest and rest[0] in FORMATS:
                self.form = rest.pop(0)
            elif word == "--":
                self.files, rest = [*self.files, *rest], []
            elif not word.startswith("-"):
                self.files.append(word)
            else:
                raise CannotCheck(f"{word!r} is no option, or lacks its value; see --help")


def _split(word: str) -> list[str]:
    return word.split("=", 1) if word.startswith("--") and "=" in word else [word]


def main(arguments: list[str] | None = None) -> int:
    """Run the check.

    Args:
        arguments: the command line without the program's name; the process's own by default.

    Returns:
        0 nothing found, 1 findings, 2 the check could not be made.
    """
    try:
        return _run(Options(sys.argv[1:] if arguments is None else arguments))
    except NoRepository:
        sys.stderr.write("check-secrets: no git repository, so nothing here is committed\n")
        return CLEAN
    except CannotCheck as error:
        sys.stderr.write(f"check-secrets: {error}\n")
    except Exception as error:
        # Python's own exit code for an error is the one for findings; its text may hold a secret.
        sys.stderr.write(
            f"check-secrets: internal error, nothing is known: {type(error).__name__}\n"
        )
    return UNCHECKED


def _run(options: Options) -> int:
    if options.help:
        sys.stdout.write(USAGE)
        return CLEAN
    allowed, findings = _exceptions()
    found, seen = list(findings), list[str]()
    for file in _files(options):
        seen.append(file.path)
        if file.content is None:
            size = MAX_BYTES // 1024**2
            sys.stderr.write(f"check-secrets: {file.path}: not read, larger than {size} MiB\n")
        found += scan(file, allowed)
    if options.all:
        for pattern in allowed:
            if not any(fnmatchcase(path, pattern) for path in seen):
                found.append(Finding(PROJECT, 0, "allow", f"{pattern} names no file"))
    sys.stdout.write(render(sorted(found), len(seen), options.form))
    return FINDINGS if found else CLEAN


def _files(options: Options) -> list[Content]:
    if options.all or not options.files:
        return list(contents(tracked() if options.all else staged()))
    try:
        blobs = tracked(options.files)
    except NoRepository:
        blobs = {}
    unknown = [path for path in options.files if os.path.normpath(path) not in blobs]
    return [*contents(blobs), *(on_disk(path) for path in unknown if os.path.isfile(path))]


def _exceptions() -> tuple[dict[str, str], list[Finding]]:
    """Return the exceptions of pyproject.toml, and what is wrong with them."""
    if not os.path.isfile(PROJECT):
        return {}, []
    import tomllib

    with open(PROJECT, "rb") as file:
        try:
            table = tomllib.load(file).get("tool", {}).get("gatehouse", {}).get("secrets", {})
        except (ValueError, AttributeError):
            raise CannotCheck(f"{PROJECT} is no TOML, so its exceptions are not known") from None
    good = {path: why for path, why in table.items() if isinstance(why, str) and why.strip()}
    wrong = [Finding(PROJECT, 0, "allow", f"{path} has no reason") for path in table.keys() - good]
    return good, wrong
