"""Reads what git would commit or has committed: the index, never the working tree."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH123
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from typing import NamedTuple  # dataclasses would cost a quarter of the time of a run

# Larger files are data; what they hold is not read, and that is said.
MAX_BYTES = 4 * 1024 * 1024
# How much is held in memory at once.
CHUNK_BYTES = 32 * 1024 * 1024
# Regular files; links and submodules hold no content of their own.
FILE_MODES = ("100644", "100755")


class CannotCheck(Exception):
    """The check could not be made; the message says why."""


class NoRepository(Exception):
    """The folder is in no git repository, so nothing in it is committed."""


class Content(NamedTuple):
    """A file with its content, or None for one that is too large."""

    path: str
    content: bytes | None


def staged() -> dict[str, str]:
    """Return the blob of each file that a commit would add or change, by its path from here."""
    command = ["diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff"]
    fields = _git([*command, "--relative", "--diff-filter=ACMT"]).split(b"\0")
    # :OLDMODE NEWMODE OLDBLOB NEWBLOB STATUS, then the path.
    found = {}
    for head, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, _ = head.decode().split(" ")
        if mode in FILE_MODES:
            found[os.fsdecode(path)] = blob
    return found


def tracked(paths: Iterable[str] = ()) -> dict[str, str]:
    """Return the blob of each file in the index, or of the named ones, by its path from here."""
    found = {}
    literal = ["--literal-pathspecs"] if paths else []
    for entry in _git([*literal, "ls-files", "--stage", "-z", "--", *paths]).split(b"\0"):
        head, _, path = entry.partition(b"\t")
        if entry and head.decode().split(" ")[0] in FILE_MODES:
            found[os.fsdecode(path)] = head.decode().split(" ")[1]
    return found


def contents(blobs: dict[str, str]) -> Iterator[Content]:
    """Yield each file with its content, a bounded part of them in memory at a time."""
    names = list(dict.fromkeys(blobs.values()))
    lines = _git(["cat-file", "--batch-check=%(objectname) %(objectsize)"], names).splitlines()
    sizes = dict(line.decode().split(" ") for line in lines)
    chunk, held = dict[str, str](), 0
    for path, blob in blobs.items():
        size = sizes.get(blob, "")
        if not size.isdecimal():
            raise CannotCheck(f"{path}: git does not have its content")
        if int(size) > MAX_BYTES:
            yield Content(path, None)
            continue
        chunk[path], held = blob, held + int(size)
        if held > CHUNK_BYTES:
            yield from _read(chunk)
            chunk, held = {}, 0
    yield from _read(chunk)


def _read(blobs: dict[str, str]) -> Iterator[Content]:
    if not blobs:
        return
    output = _git(["cat-file", "--batch"], blobs.values())
    position = 0
    for path in blobs:
        # NAME SIZE, a line break, the content, a line break; SIZE is the format's default's third.
        end = output.index(b"\n", position)
        size = int(output[position:end].rsplit(b" ", 1)[1])
        yield Content(path, output[end + 1 : end + 1 + size])
        position = end + 1 + size + 1


def on_disk(path: str) -> Content:
    """Return a file that git does not know, as it lies on disk.

    Raises:
        CannotCheck: it cannot be read.
    """
    try:
        if os.path.getsize(path) > MAX_BYTES:  # noqa: PTH202 - pathlib loads slowly
            return Content(path, None)
        with open(path, "rb") as file:
            return Content(path, file.read())
    except OSError as error:
        raise CannotCheck(f"{path}: {error.strerror}") from None


def _git(words: list[str], lines: Iterable[str] = ()) -> bytes:
    text = "".join(f"{line}\n" for line in lines).encode()
    try:
        done = subprocess.run(
            ["git", *words],  # noqa: S607 - git is on PATH
            input=text, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except OSError as error:
        raise CannotCheck(f"git does not start: {error.strerror}") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()
        if "not a git repository" in reason.lower():
            raise NoRepository
        raise CannotCheck(f"git says: {reason}")
    return done.stdout
