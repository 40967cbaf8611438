"""Reads the pages: their blocks of code, what a test does with each, and where headings stand.

The convention is told to writers in docs/README.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.questions import ROOT

DOCS = ROOT / "docs"
# What is a command in these languages is run; everything else is only shown.
RUN = {"bash", "python"}
# What can stand right after a command: the whole of its output, "..." for any part.
OUTPUT = {"text", "json"}

_BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]+?) -->\n)?^(?P<fence>`{3,})(?P<language>\w*)\n"
    r"(?P<code>.*?)^(?P=fence)$(?P<next>\n\n?```(?:text|json)\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
_STORY = re.compile(r"^<!-- story: (.+?) -->$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block that a test runs, or that says why none does.

    Attributes:
        line: where it stands.
        language: bash or python, anything with `file`.
        code: what stands in it.
        how: "", or the first word of its note: `server`, `fails`, `file`, `by hand`, `not run`.
        detail: the rest of the note: a path, an address, a command, a reason.
        output: what must come out, None when the page does not show it.
    """

    line: int
    language: str
    code: str
    how: str
    detail: str
    output: str | None


def pages() -> list[Path]:
    """Return every page of the documentation, and the README."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def story(text: str) -> str | None:
    """Return what a page starts with, from its `story` note; None when it needs no service."""
    match = _STORY.search(text)
    return match[1] if match else None


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a page that a test has to do something with."""
    for match in _BLOCK.finditer(text):
        how, _, detail = (match["note"] or "").partition(":")
        if how.startswith("story"):
            how = ""
        if match["language"] in RUN or how:
            line = text.count("\n", 0, match.start("fence")) + 1
            yield Block(
                line, match["language"], match["code"], how, detail.strip(), match["output"]
            )


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub and the site make from the headings of a page."""
    prose = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,4} (.+)$", prose, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 1
        while slug in found:
            slug, number = f"{slug.removesuffix(f'-{number - 1}')}-{number}", number + 1
        found.add(slug)
    return found
