"""Looks through one file, and at the exceptions that it and pyproject.toml make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from .git import Content
from .keys import Found, find_keys
from .rules import Finding
from .values import find_values

# Git itself calls a file binary that has a zero byte this early.
BINARY_WITHIN = 8000
SQLITE = b"SQLite format 3\0"
KEY_STORES = (".p12", ".pfx", ".jks", ".keystore", ".kdbx")
EXAMPLES = {"example", "sample", "template", "dist"}
_ALLOW = re.compile(rb"check-secrets:[ \t]*allow\b[ \t:(-]*(?P<why>[^\r\n]*)")
_MIN_REASON = 3  # characters; "ok" is none


def scan(file: Content, allowed: Mapping[str, str]) -> list[Finding]:
    """Return what is wrong with one file.

    Args:
        file: its path and content.
        allowed: the reason of each path or pattern that pyproject.toml makes an exception for.
    """
    if any(fnmatchcase(file.path, pattern) for pattern in allowed):
        return []
    return sorted({*_by_name(file.path), *_by_content(file)})


def _by_name(path: str) -> Iterator[Finding]:
    name = path.rpartition("/")[2]
    words = name.split(".")
    if name.startswith(".env") and words[1] == "env" and not EXAMPLES & set(words):
        yield Finding(path, 0, "env-file")
    if name.endswith(KEY_STORES):
        yield Finding(path, 0, "key-store")


def _by_content(file: Content) -> Iterator[Finding]:
    content = file.content or b""
    if content.startswith(SQLITE):
        yield Finding(file.path, 0, "database")
    if b"\0" in content[:BINARY_WITHIN]:
        return
    for position, rule, detail in _found(file.path, content):
        line = content.count(b"\n", 0, position) + 1
        why = _allowed_beside(content, position)
        if why is None:
            yield Finding(file.path, line, rule, detail)
        elif len(why) < _MIN_REASON:
            yield Finding(file.path, line, "allow", "no reason")


def _found(path: str, content: bytes) -> Iterator[Found]:
    yield from find_keys(content)
    yield from find_values(path, content)


def _allowed_beside(content: bytes, position: int) -> str | None:
    """Return the reason of an exception on the line or the one above it; None without one."""
    begin = content.rfind(b"\n", 0, position) + 1
    above = content.rfind(b"\n", 0, max(begin - 1, 0)) + 1
    end = content.find(b"\n", position)
    match = _ALLOW.search(content[above : end if end >= 0 else len(content)])
    return match["why"].decode("utf-8", "replace").strip(" */)>-") if match else None
