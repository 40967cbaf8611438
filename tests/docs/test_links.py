"""Every link of every page leads to a file and a heading that exist; nothing is fetched for it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, anchors, pages
from tests.expectations import optional
from tests.matrix.questions import ROOT, TEMPLATE
from tools import asvs
from tools.ownership import sources
from tools.reference.__main__ import FOLDER

ALL = [*pages(), *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"))]
OF_SERVICES = [TEMPLATE / name for name in ("README.md.jinja", "AGENTS.md.jinja", "SECURITY.md")]

_CODE = re.compile(r"^(`{3,}).*?^\1$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
# `tests/auth/test_x.py`, `app/auth/y.py`, `tests/auth/test_x.py::test_that_it_holds`
PLACEHOLDERS = {"tests/auth/test_x.py", "tests/auth/test_file.py"}
_FILE = re.compile(r"`((?:app|tests|hooks|migrations|tools)/[\w/.-]+\.(?:py|toml|sh))(?:::(\w+))?`")


def whole(page: Path) -> str:
    """Return the text of a page, with that of a page that it includes."""
    text = page.read_text("utf-8")
    included = re.search(r"^```{include} (\S+)$", text, re.MULTILINE)
    return text + (page.parent / included[1]).read_text("utf-8") if included else text


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Yield the links of a page that lead nowhere in this repository."""
    for target in _LINK.findall(_CODE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        if not leads_to.exists() or (anchor and anchor not in anchors(whole(leads_to))):
            yield target


def dead_commands(text: str) -> Iterator[str]:
    """Yield the commands `python -m app ...` that a page shows and the command line lacks."""
    known = {name: set(options) for name, options in _commands()}
    groups = {name.partition(" ")[0] for name in known}
    for shown in re.findall(r"python -m app((?: [\w-]+)*)", text):
        words = shown.split()
        name = next((n for n in (" ".join(words[:2]), words[0] if words else "") if n in known), "")
        options = {word for word in words if word.startswith("--")} - {"--help"}
        is_group = len(words) == 1 and words[0] in groups
        if not (name or is_group or not words or words == ["--help"]) or (
            name and not options <= known[name]
        ):
            yield shown.strip()


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every command of the reference, which another test holds current, with its options."""
    for section in (FOLDER / "command-line.md").read_text("utf-8").split("\n## ")[1:]:
        yield section.partition("\n")[0], re.findall(r"(--[\w-]+)", section)


def dead_files(text: str) -> Iterator[str]:
    """Yield the files, and the tests in them, that a page names and nobody has."""
    rendered = dict(sources())
    made_here = set(re.findall(r"<!-- file: (.+?) -->", text))
    for path, test in _FILE.findall(text):
        file = next((each for each in (rendered.get(path), ROOT / path) if each), ROOT / path)
        if path in made_here | PLACEHOLDERS:
            continue
        if not file.is_file():
            yield path
        elif test and test not in asvs.tests_of(file):
            yield f"{path}::{test}"


@pytest.mark.parametrize("page", [*ALL, *OF_SERVICES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_every_named_file_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    assert list(dead_links(page, text)) == []
    assert list(dead_files(text)) == []


def test_the_security_page_of_a_service_names_what_every_service_has() -> None:
    named = {path for path, _ in _FILE.findall(OF_SERVICES[-1].read_text("utf-8"))}
    assert len(named) > 20
    assert not named & optional()


@pytest.mark.parametrize("page", [*ALL, *OF_SERVICES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_command_exists(page: Path) -> None:
    assert list(dead_commands(page.read_text("utf-8"))) == []


def test_commands_that_nobody_has_are_found() -> None:
    good = [
        "keys revoke KID",
        "keys revoke --all",
        "db upgrade",
        "keys",
        "--help",
        "sessions end ID",
    ]
    assert not list(dead_commands(" ".join(f"`python -m app {each}`" for each in good)))
    for bad in ("keys destroy", "keys revoke --every", "sesions end-all", "bootstrap --now"):
        assert list(dead_commands(f"`python -m app {bad}`")), bad
        assert list(dead_commands(f"```bash\nuv run python -m app {bad}\n```\n")), bad


def test_dead_links_are_found() -> None:
    page = DOCS / "index.md"
    lies = {
        "[a](nowhere.md)",
        "[b](index.md#no-such-heading)",
        "[c](#no-such-heading)",
        "[d](../no-such-file.toml)",
    }
    for lie in lies:
        assert list(dead_links(page, f"# One\n\n{lie}\n")), lie
    truths = "[a](index.md) [b](https://example.com/x#y) `[c](nowhere.md)`\n```\n[d](e.md)\n```\n"
    assert not list(dead_links(page, truths))


def test_names_of_files_and_tests_that_nobody_has_are_found() -> None:
    assert list(dead_files("`app/auth/no_such.py`"))
    assert list(dead_files("`tests/auth/test_guard.py::test_no_such`"))
    named = "`tests/auth/test_guard.py::test_a_forgotten_route_stops_the_start` `app/main.py`"
    assert not list(dead_files(named))


def test_anchors_are_those_of_github() -> None:
    text = "# One, two & three\n## `keys` list\n## Same\n## Same\n## Same\n```\n# no heading\n```\n"
    assert anchors(text) == {"one-two--three", "keys-list", "same", "same-1", "same-2"}
