"""Orders versions as PEP 440 does: final ones and candidates, all that the template makes."""

import re

_VERSION = re.compile(r"\Av?(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?\Z")
# What `git describe` makes of a commit that is no release: the release before it, a count, a hash.
_DESCRIBED = re.compile(r"-\d+-g[0-9a-f]+\Z")

Key = tuple[tuple[int, ...], tuple[str, int]]


def key(version: str) -> Key:
    """Return what a version is sorted by.

    Raises:
        ValueError: it is none.
    """
    match = _VERSION.match(version.strip())
    if not match:
        raise ValueError(f"{version!r} is no version")
    numbers = tuple(int(number) for number in match[1].split("."))
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    # A final release comes after its candidates: "z" is greater than "rc".
    stage = (match[2] or "z", int(match[3] or 0))
    return numbers, stage


def is_version(text: str) -> bool:
    """Tell whether a tag names a release."""
    return _VERSION.match(text.strip()) is not None


def is_final(text: str) -> bool:
    """Tell whether a tag names a release that is no candidate of one."""
    match = _VERSION.match(text.strip())
    return bool(match and match[2] is None)


def release_of(commit: str) -> str:
    """Return the release that a recorded `_commit` is, or comes after; empty when there is none."""
    bare = _DESCRIBED.sub("", commit.strip())
    return bare.removeprefix("v") if is_version(bare) else ""


def affects(text: str, version: str) -> bool:
    """Tell whether a version is among those that a security entry calls affected.

    Args:
        text: such as "0.1.0", "0.1.0 to 0.1.4, 0.2.0" or "before 0.2.0".
        version: a release.

    Raises:
        ValueError: the text says something else.
    """
    wanted = key(version)
    return any(first <= wanted <= last for first, last in _ranges(text)) or any(
        wanted < bound for bound in _bounds(text)
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _ranges(text: str) -> list[tuple[Key, Key]]:
    found = []
    for part in _parts(text):
        if not part.startswith("before "):
            first, _, last = part.partition(" to ")
            found.append((key(first), key(last or first)))
    return found


def _bounds(text: str) -> list[Key]:
    return [key(part[len("before ") :]) for part in _parts(text) if part.startswith("before ")]
