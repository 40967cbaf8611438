"""Each page of the documentation is a story that runs: its commands, in order, on a service."""

import asyncio
import compileall
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.docs.pages import Block, blocks, pages, story
from tests.docs.shell import CommandFailed, Shell
from tests.matrix.questions import ROOT, parse
from tests.matrix.rendering import copy_template, render
from tests.matrix.servers import shared_postgres
from tests.updates.waiting import service_before_an_update

EMPTY_FOLDER = "an empty folder"
AN_UPDATE_WAITS = "a service for which an update waits"
WITH_POSTGRES = ", with PostgreSQL"
STORIES = [page for page in pages() if story(page.read_text("utf-8"))]
# A page that starts from a service tells its answers; the service has secrets and tables already.
Prepare = Callable[[str], Path]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """Make a service with some answers, once for all pages that start from it."""
    made: dict[str, Path] = {}

    def prepare(words: str) -> Path:
        if words == AN_UPDATE_WAITS:
            if words not in made:
                made[words] = service_before_an_update(tmp_path_factory.mktemp("update"))
            return made[words]
        if words not in made:
            directory = tmp_path_factory.mktemp("service") / "service"
            render(parse(words.split()), directory)
            compileall.compile_dir(directory / "app", quiet=2)
            for command in (["bootstrap"], ["db", "upgrade"]):
                subprocess.run(
                    [sys.executable, "-m", "app", *command], cwd=directory, check=True, text=True
                )
            made[words] = directory
        return made[words]

    return prepare


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as somebody who copies it gets it."""
    return copy_template(tmp_path_factory.mktemp("template") / "gatehouse")


@pytest.fixture
def postgres_url(prepared: Prepare) -> Iterator[str]:
    """An empty database of a real PostgreSQL."""
    name = f"gatehouse_{os.getpid()}_docs"
    with shared_postgres(prepared("")) as found:
        if not found:
            reason = "no PostgreSQL: neither TEST_POSTGRES_URL nor a server on this machine"
            (pytest.fail if os.environ.get("REQUIRE_REAL_SERVICES") else pytest.skip)(reason)
        url = found["TEST_POSTGRES_URL"]
        asyncio.run(_execute(url, f'CREATE DATABASE "{name}"'))
        try:
            made = make_url(url).set(drivername="postgresql+asyncpg", database=name)
            yield made.render_as_string(hide_password=False)
        finally:
            asyncio.run(_execute(url, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.heavy
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl: the pages use it")
@pytest.mark.parametrize("page", STORIES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_tells_what_happens(
    page: Path,
    prepared: Prepare,
    template: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    text = page.read_text("utf-8")
    begins_with = (story(text) or "").removesuffix(WITH_POSTGRES)
    directory = tmp_path / "work"
    if begins_with == EMPTY_FOLDER:
        directory.mkdir()
    else:
        shutil.copytree(prepared(begins_with.removeprefix("the default answers")), directory)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    variables = {}
    if story(text) != begins_with:
        variables["POSTGRES_URL"] = request.getfixturevalue("postgres_url")
    with Shell(directory, scratch, template, variables) as shell:
        for block in blocks(text):
            try:
                shell.run(block)
            except (CommandFailed, subprocess.TimeoutExpired) as error:
                pytest.fail(f"{page}:{block.line}: {error}\n{block.code}", pytrace=False)


def test_no_page_shows_a_command_that_nobody_runs() -> None:
    """A block of commands is part of a story, or says in a note above it why it is not run."""
    silent = [
        f"{page}:{block.line}"
        for page in pages()
        if page not in STORIES
        for block in blocks(page.read_text("utf-8"))
        if block.how != "not run"
    ]
    assert not silent, "begin these pages with a story note (docs/README.md)"


def test_nearly_every_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    all_blocks = [block for page in pages() for block in blocks(page.read_text("utf-8"))]
    left_out = [block for block in all_blocks if block.how == "not run"]
    with capsys.disabled():
        print(f"\n{len(STORIES)} stories, {len(all_blocks)} blocks; not run: {len(left_out)}")  # noqa: T201
        for reason, count in Counter(block.detail for block in left_out).items():
            print(f"  {count} because {reason}")  # noqa: T201
    assert all(block.detail for block in left_out), "say why"
    assert len(left_out) <= len(all_blocks) / 5


@pytest.fixture
def shell(tmp_path: Path, template: Path) -> Shell:
    """A shell in a folder of its own."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Shell(tmp_path, scratch, template, {})


def command(code: str, *, how: str = "", detail: str = "", output: str | None = None) -> Block:
    """Return a block of bash."""
    return Block(1, "bash", code, how, detail, output)


def test_a_lie_in_a_page_is_found(shell: Shell) -> None:
    lies = [
        command("false\ntrue\n"),
        command("false | true\n"),
        command("true\n", how="fails"),
        command("echo one two\n", output="one three\n"),
        command("echo one\necho two\n", output="one\n"),
        command("echo $UNSET\n", output="...something...\n"),
        command("uv publish\n"),
        command("exit 1\n", how="server", detail="http://127.0.0.1:8000/"),
        command("true\n", how="hopes"),
    ]
    for lie in lies:
        with pytest.raises(CommandFailed):
            shell.run(lie)


def test_a_story_goes_on_where_the_block_before_ended(shell: Shell) -> None:
    shell.run(command("mkdir deeper && cd deeper\nNAME='a b'\ngreet() { echo hello; }\n"))
    shell.run(command('basename "$PWD"; echo "$NAME"; greet\n', output="deeper\na b\nhello\n"))
    shell.run(command("a file\n", how="file", detail="new/one.txt"))
    shell.run(command("cat new/one.txt\n", output="a ...\n"))
    shell.run(command("not a command\n", how="by hand", detail="echo done", output="done\n"))


def test_pages_are_found_with_their_notes() -> None:
    text = (
        "<!-- story: an empty folder -->\n# Title\n\n```bash\none\n```\n\n```text\n1\n```\n\n"
        "<!-- not run: no cloud here -->\n```bash\ntwo\n```\n\nprose\n\n```text\nthree\n```\n"
    )
    assert story(text) == EMPTY_FOLDER
    first, second = blocks(text)
    assert (first.code, first.output, first.line) == ("one\n", "1\n", 4)
    assert (second.how, second.detail, second.output) == ("not run", "no cloud here", None)
