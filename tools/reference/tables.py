"""The pages of docs/reference that are made from the template, as Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from tests.expectations import ADDED
from tests.matrix.questions import questions
from tools.reference import texts
from tools.reference.variants import Item

NOTE = "<!-- Written by `make reference`; changes by hand are lost. -->"


def questions_page() -> str:
    """Return the page about the questions that Copier asks."""
    parts = [texts.QUESTIONS]
    for name, question in questions().items():
        parts += [f"## {name}", " ".join(question["help"].split())]
        if "choices" in question:
            rows = (
                (f"`{_yaml(value)}`", _gloss(label), _added(name, _yaml(value)))
                for label, value in question["choices"].items()
            )
            parts.append(table(("answer", "what it means", "files it adds"), rows))
        elif question["type"] == "bool":
            yes_no = ((f"`{v}`", _added(name, v)) for v in ("true", "false"))
            parts.append(table(("answer", "files it adds"), yes_no))
        default = question.get("default", "")
        computed = "{{" in str(default)
        parts.append(
            "Default: made from the name." if computed else f"Default: `{_yaml(default)}`."
        )
    return page("The questions", parts)


def settings_page(items: Sequence[Item]) -> str:
    """Return the page about the settings."""
    parts = [texts.SETTINGS]
    by_section = sorted(items, key=lambda item: _first(items, item.facts["section"]))
    for section, group in groupby(by_section, key=lambda item: item.facts["section"]):
        rows = [
            (
                f"`{item.facts['name']}`",
                f"`{item.facts['default']}`" if item.facts["default"] else "unset",
                item.facts["bounds"] or codes(item.facts["choices"]),
                _sentence(item.facts["note"], item.condition),
            )
            for item in group
        ]
        title = section[:1].upper() + section[1:]
        parts += [f"## {title}", table(("name", "default", "allowed", "meaning"), rows)]
    return page("Settings", parts)


def endpoints_page(items: Sequence[Item]) -> str:
    """Return the page about the endpoints."""
    groups: Mapping[str, list[Item]] = {
        "Of the template": [i for i in items if i.facts["answers"] and not i.facts["example"]],
        "Of the example": [i for i in items if i.facts["example"]],
        "Outside the OpenAPI document": [i for i in items if not i.facts["answers"]],
    }
    parts = [texts.ENDPOINTS]
    for title, group in groups.items():
        rows = (
            (
                f"`{item.facts['route']}`",
                _sentence(item.facts["summary"], item.condition),
                _needs(item),
                " ".join(item.facts["answers"]),
            )
            for item in group
        )
        parts += [f"## {title}", table(("route", "what it does", "needs", "statuses"), rows)]
    return page("Endpoints", parts)


def commands_page(items: Sequence[Item]) -> str:
    """Return the page about the command line."""
    parts = [texts.COMMANDS]
    for item in items:
        parts += [f"## {item.facts['name'].removeprefix('python -m app ')}"]
        words = [
            each["word"] for each in item.facts["parameters"] if not each["word"].startswith("-")
        ]
        parts.append(f"`{' '.join([item.facts['name'], *words])}`")
        parts.append(_sentence(item.facts["help"], item.condition))
        rows = [
            (f"`{each['word']}`", each["help"], f"`{each['default']}`" if each["default"] else "")
            for each in item.facts["parameters"]
            if each["help"] or each["word"].startswith("-")
        ]
        parts += [table(("parameter", "meaning", "default"), rows)] if rows else []
    return page("Command line", parts)


def metrics_page(items: Sequence[Item]) -> str:
    """Return the page about the numbers."""
    rows = (
        (
            f"`{i.facts['name']}`",
            i.facts["kind"],
            codes(i.facts["labels"]),
            _sentence(i.facts["help"], i.condition),
        )
        for i in items
    )
    return page(
        "Metrics", [texts.METRICS, table(("name", "kind", "labels", "what it counts"), rows)]
    )


def errors_page(items: Sequence[Item]) -> str:
    """Return the page about the errors."""
    rows = (
        (
            str(i.facts["status"]),
            f"`{i.facts['error']}`",
            _sentence(i.facts["meaning"], i.condition),
            codes(i.facts["headers"]),
        )
        for i in sorted(items, key=lambda item: item.facts["status"])
    )
    return page("Errors", [texts.ERRORS, table(("status", "error", "meaning", "headers"), rows)])


def _needs(item: Item) -> str:
    if item.facts["authenticated"]:
        return f"token, {codes(item.facts['scopes'])}" if item.facts["scopes"] else "token"
    return f"open: {item.facts['reason']}"


def _gloss(label: str) -> str:
    return re.sub(r"^\S+ - ", "", str(label))


def _added(question: str, value: str) -> str:
    paths = ADDED.get(question, {}).get(value, {}).get("files", [])
    return codes(path for path in paths if not path.startswith("tests/"))


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first(items: Sequence[Item], section: str) -> int:
    sections = list(dict.fromkeys(item.facts["section"] for item in items))
    return sections.index(section)


def codes(words: Iterable[str]) -> str:
    """Return words as code, with commas."""
    return ", ".join(f"`{word}`" for word in words)


def _sentence(text: str, condition: str) -> str:
    return f"{text} Only with {condition}.".strip() if condition else text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def page(title: str, parts: Iterable[str]) -> str:
    """Return a page with its note, its title and its parts."""
    return "\n\n".join([NOTE, f"# {title}", *filter(None, parts)]) + "\n"
