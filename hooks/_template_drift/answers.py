"""Reads .copier-answers.yml: the part of YAML that Copier writes, and what formatters make of it.

The standard library has no YAML. The file is one flat mapping of texts, truth values and lists of
texts; whatever is more than that is an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Answer = str | bool | list[str]

BLANKS = " \t\r"  # what YAML skips; Python would skip a no-break space, too

# Breaks of a line to YAML 1.1, where they count for more or less than a line feed: never a guess.
_RARE_BREAKS = re.compile("[\x85\u2028\u2029]")
_KEY = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*))?\Z")
# YAML 1.1, which Copier reads and writes: three spellings of each, and oN is a text.
_TRUE, _FALSE, _NULL = (
    {spelling for word in words for spelling in (word, word.title(), word.upper())}
    for words in (("true", "yes", "on"), ("false", "no", "off"), ("null", "~", ""))
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b", "a": "\a", "b": "\b"}
_ESCAPED |= {"v": "\v", "f": "\f", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}


def read(text: str) -> dict[str, Answer]:
    """Return the answers of a file by their names.

    Raises:
        ValueError: The file is not the flat mapping that Copier writes; says the line.
    """
    found: dict[str, Answer] = {}
    for number, name, lines in _entries(text):
        if name in found:
            raise ValueError(f"line {number}: {name} comes twice")
        try:
            found[name] = _value(lines)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return found


def _entries(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the line number, the name and the lines of the value of each answer."""
    name, begun, lines = "", 0, list[str]()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if _RARE_BREAKS.search(line):
            raise ValueError(f"line {number}: a line break that only YAML knows")
        if not line.strip(BLANKS) or line.lstrip(BLANKS).startswith("#") or line in {"---", "..."}:
            continue
        if name and (line.startswith((" ", "\t", "- ")) or line == "-"):
            lines.append(line.rstrip(BLANKS))
            continue
        if name:
            yield begun, name, lines
        if not (match := _KEY.match(line)):
            raise ValueError(f"line {number}: not a line that Copier writes")
        name, begun, lines = match[1], number, [(match[2] or "").strip(BLANKS)]
    if name:
        yield begun, name, lines


def _value(lines: list[str]) -> Answer:
    first, rest = lines[0], [line.strip(BLANKS) for line in lines[1:]]
    if (not first or first.startswith("#")) and rest:
        if not re.match(r"-(\s|$)", rest[0]):
            return _scalar(" ".join(rest))
        if len({len(line) - len(line.lstrip(BLANKS)) for line in lines[1:]}) > 1:
            raise ValueError("an item of a list that takes several lines")
        return [str(_text(line[1:].strip(BLANKS))) for line in rest]
    whole = " ".join([first, *rest])
    if first.startswith("["):
        inner, bracket, comment = whole[1:].partition("]")
        if not bracket or (comment.strip(BLANKS) and not comment.lstrip(BLANKS).startswith("#")):
            raise ValueError("a list that does not end")
        return [_text(item.strip(BLANKS)) for item in inner.split(",") if item.strip(BLANKS)]
    if first.startswith('"'):
        # A backslash at the end of a line joins it to the next one without a space.
        return _scalar(re.sub(r"(?<!\\)((?:\\\\)*)\\ ", r"\1", whole) if rest else first)
    return _scalar(whole)


def _scalar(text: str) -> str | bool:
    plain = text.partition(" #")[0].strip(BLANKS)
    return plain in _TRUE if plain in _TRUE | _FALSE else _text(text)


def _text(text: str) -> str:
    if text.startswith(("'", '"')):
        quote = text[0]
        inside = r"((?:[^']|'')*)'" if quote == "'" else r'((?:[^"\\]|\\.)*)"'
        match = re.fullmatch(quote + inside + r"(?:\s+#.*)?", text, re.DOTALL)
        if not match:
            raise ValueError("a quote that does not end")
        return match[1].replace("''", "'") if quote == "'" else _ESCAPE.sub(_unescape, match[1])
    if text.startswith(("|", ">", "{", "&", "*", "!")):
        raise ValueError("more than a text, a truth value or a list of texts")
    plain = text.partition(" #")[0].strip(BLANKS)
    return "" if plain in _NULL or plain.startswith("#") else plain


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPED.get(code, code)
