"""What a release must not do, because services made from older ones update to it.

Copier never says when one of these happens: an answer that lost its value falls back to the
default, and a file that vanished takes the user's edits with it.
"""

import itertools
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml

from tools.releases import MANIFEST, Release

# What every older service relies on.
SETTINGS = ("_answers_file", "_subdirectory", "_templates_suffix", "_envops")
FORBIDDEN = ("_tasks", "_migrations", "_jinja_extensions")
_OWNED = re.compile(r'^"([^"\n]+)" = "', re.MULTILINE)
Configuration = Mapping[str, Any]


def broken_questions(old: Configuration, new: Configuration) -> Iterator[str]:
    """Yield a sentence for each change of copier.yml that an old service would suffer from."""
    for name in SETTINGS:
        if old.get(name) != new.get(name):
            yield f"{name} changed: services cannot be merged with what they were rendered from"
    for name in FORBIDDEN:
        if name in new:
            yield f"{name} appeared: an update would ask for --trust"
    for name, question in _questions(new).items():
        if name not in _questions(old) and "default" not in question:
            yield f"question {name} is new and has no default: no update could answer it"
    for name, question in _questions(old).items():
        if name in _questions(new):
            yield from _broken_question(name, question, _questions(new)[name])
        else:
            yield f"question {name} was removed: services lose their answer to it"


def _broken_question(name: str, old: Configuration, new: Configuration) -> Iterator[str]:
    if old.get("type") != new.get("type") or old.get("multiselect") != new.get("multiselect"):
        yield f"question {name} changed its type"
    removed = [value for value in values(old) if value not in values(new)]
    if removed:
        yield f"question {name} lost {removed}: such an answer would become the default, silently"
    if "when" in new and "when" not in old:
        yield f"question {name} became conditional: a hidden answer is forgotten"
    if new.get("secret") and not old.get("secret"):
        yield f"question {name} became secret: its answer is no longer recorded"


def _questions(configuration: Configuration) -> Mapping[str, Configuration]:
    return {name: q for name, q in configuration.items() if not name.startswith("_")}


def values(question: Configuration) -> list[Any]:
    """Return the fixed answers of a question; none for free text."""
    choices = question.get("choices", [])
    if question.get("type") == "bool":
        return [True, False]
    return list(choices.values() if isinstance(choices, dict) else choices)


def vanished_paths(last: Release, root: Path) -> Iterator[str]:
    """Yield a sentence for each path that a service had and would lose, whatever its answers."""
    old, new = last.questions(), yaml.safe_load((root / "copier.yml").read_text("utf-8"))
    before, after = last.read(MANIFEST), (root / MANIFEST).read_text("utf-8")
    told: set[str] = set()
    for answers in _combinations(old, new):
        had, has = _paths(before, answers), _paths(after, answers)
        for path in sorted(had.keys() - has.keys() - told):
            told.add(path)
            yield f"{path} vanished: leave a file there that re-exports, or edits to it are lost"
        for path in sorted(had.keys() & has.keys() - told):
            if had[path] != has[path]:
                told.add(path)
                yield f"{path} changed its owner from {had[path]} to {has[path]}"


def _combinations(old: Configuration, new: Configuration) -> Iterator[dict[str, Any]]:
    """Yield every combination of the old release's answers, with defaults for newer questions."""
    fixed = {name: _answers(q) for name, q in _questions(old).items() if values(q)}
    later = {name: q.get("default") for name, q in _questions(new).items() if name not in fixed}
    for chosen in itertools.product(*fixed.values()):
        yield {**later, **dict(zip(fixed, chosen, strict=True))}


def _answers(question: Configuration) -> list[Any]:
    found = values(question)
    if question.get("multiselect"):
        return [[], *([value] for value in found), found]
    return found


def hash_nothing(_: str, __: str) -> str:
    """Stand in for Copier's filter."""
    return ""


def _paths(manifest: str, answers: Mapping[str, Any]) -> dict[str, str]:
    """Return who owns each path that the template updates, for one combination of answers."""
    text = _compiled(manifest).render(answers, _copier_answers={})
    # The long table, the last one, is read by its lines: TOML takes ten times as long, and there
    # are hundreds of combinations of answers.
    others, _, template = text.partition("\n[template]\n")
    if not template:
        raise ValueError("the manifest has no table [template]")
    owners = dict.fromkeys(_OWNED.findall(template), "template")
    return owners | dict.fromkeys(tomllib.loads(others)["shared"]["paths"], "shared")


@cache
def _compiled(manifest: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda _: ""),  # what it hashes does not matter here
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - TOML, no page
    )
    environment.filters |= {"to_json": lambda value, **_: json.dumps(value), "hash": hash_nothing}
    return environment.from_string(manifest)
