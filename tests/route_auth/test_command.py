"""The command: exit codes, comments that silence, `--list`, `--explain`, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .checking import HOOKS, RULES, check, main

CONFIGURATION = '[tool.route-auth]\nsrc = ["app"]\nauth = ["app.auth.get_user"]\n'
AUTH = "def get_user(): ...\n"
PROTECTED = """\
from fastapi import Depends, FastAPI
from app.auth import get_user
app = FastAPI()
@app.get("/closed", dependencies=[Depends(get_user)])
def closed(): ...
"""
OPEN = '@app.get("/open")\ndef opened(): ...\n'


class Project:
    """A project in a folder that is the working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pyproject.toml", CONFIGURATION)
        self.write("app/__init__.py", "")
        self.write("app/auth.py", AUTH)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def codes(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """Run the command and return its exit code and the codes it printed."""
    status = main([*arguments, "--output-format", "json"])
    return status, [one["code"] for one in json.loads(capsys.readouterr().out or "[]")]


def test_a_clean_project_exits_zero(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("app/main.py", PROTECTED)
    assert codes(capsys) == (0, [])


def test_an_open_route_exits_one(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("app/main.py", PROTECTED + OPEN)
    assert codes(capsys) == (1, ["AUTH001"])


def test_the_message_says_what_was_checked_and_what_to_add(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/main.py", PROTECTED + OPEN)
    main([])
    text = capsys.readouterr().out
    for part in ("`GET /open`", "handler `opened`", "decorator", "app at app/main.py:3"):
        assert part in text
    assert "help: Add `Depends(get_user)`" in text


@pytest.mark.parametrize(
    "comment",
    ["# noqa: AUTH001", "# noqa", "# NOQA:AUTH001", "# noqa: E501, AUTH001", "# noqa: AUTH",
     "# ruff: ignore[AUTH001]", "# ruff: ignore[E501, AUTH001]"],
)  # fmt: skip
def test_a_comment_silences_and_can_be_overridden(
    comment: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/main.py", PROTECTED + f'@app.get("/open")  {comment}\ndef opened(): ...\n')
    expected = [] if "AUTH001" in comment or comment.endswith("noqa") else ["AUTH001"]
    assert codes(capsys)[1] == expected
    assert codes(capsys, "--ignore-noqa") == (1, ["AUTH001"])


@pytest.mark.parametrize("comment", ["# noqa: AUTH002", "# ruff: ignore[E501]", "# ignore"])
def test_a_comment_about_something_else_silences_nothing(
    comment: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/main.py", PROTECTED + f'@app.get("/open")  {comment}\ndef opened(): ...\n')
    assert codes(capsys) == (1, ["AUTH001"])


def test_a_comment_on_the_line_of_the_function_or_above_silences(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    above = '# ruff: ignore[AUTH001]\n@app.get("/x")\ndef x(): ...\n'
    beside = '@app.get("/y")\ndef y(): ...  # noqa: AUTH001\n'
    project.write("app/main.py", PROTECTED + above + beside)
    assert codes(capsys) == (0, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", "Cannot parse"),
        ("x = '\x00'\n", "Cannot parse"),
        ("# no routes here\n", "no route was found"),
    ],
)
def test_what_cannot_be_checked_exits_two(
    text: str, message: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/main.py", text)
    assert main(["--output-format", "concise"]) == 2
    output = capsys.readouterr().out
    assert "AUTH900" in output
    assert message in output


def test_a_file_that_nothing_imports_must_parse_too(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/main.py", PROTECTED)
    project.write("app/unused.py", "return = 1\n")
    assert codes(capsys) == (2, ["AUTH900"])


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python knows the syntax")
def test_newer_syntax_is_an_error_and_hides_no_protection(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/auth.py", AUTH + "try: ...\nexcept OSError, ValueError: ...\n")
    project.write("app/main.py", PROTECTED)
    assert codes(capsys) == (2, ["AUTH900"])


@pytest.mark.parametrize("name", ["app.auth.missing", "app.nowhere.get_user", "httpx.Auth", "x"])
def test_a_configured_name_that_means_nothing_exits_two(
    name: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/main.py", PROTECTED)
    project.write("pyproject.toml", CONFIGURATION.replace('"]\n', f'", "{name}"]\n', 2))
    status = main(["--output-format", "concise"])
    assert status == 2
    assert f"`{name}`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.other]\n", "has no [tool.route-auth]"),
        ("[tool.route-auth]\nauht = []\n", "unknown key `auht`"),
        ('[tool.route-auth]\nauth = "app.auth.get_user"\n', "`auth`"),
        ('[tool.route-auth]\nscope = "file"\n', "`scope`"),
        ("[tool.route-auth\n", "pyproject.toml"),
    ],
)
def test_a_wrong_configuration_exits_two_with_one_sentence(
    text: str, message: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("pyproject.toml", text)
    assert main(["--config", "pyproject.toml"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_tests_are_not_checked_for_overrides(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    override = "from app.main import app\napp.dependency_overrides[int] = str\n"
    project.write("app/main.py", PROTECTED)
    project.write("app/conftest.py", override)
    assert codes(capsys) == (0, [])
    project.write("app/debug.py", override)
    assert codes(capsys) == (1, ["AUTH006"])


@pytest.mark.parametrize("code", list(RULES))
def test_every_code_explains_itself(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", code]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"# {RULES[code].name} ({code})\n")
    assert "## What it does" in page
    assert "## Why is this bad?" in page


def test_an_unknown_code_has_no_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--explain", "AUTH999"]) == 2
    assert "AUTH999" in capsys.readouterr().err


def test_the_list_says_what_protects_each_route_and_where(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("app/main.py", PROTECTED + OPEN)
    assert main(["--list", "--output-format", "json"]) == 0
    closed, opened = json.loads(capsys.readouterr().out)
    assert closed == {
        "methods": ["GET"], "path": "/closed", "handler": "closed", "kind": "http",
        "registered": "app/main.py:4", "verdict": "protected", "by": "get_user",
        "where": "app/main.py:4",
    }  # fmt: skip
    assert (opened["path"], opened["verdict"], opened["by"]) == ("/open", "AUTH001", None)
    main(["--list"])
    table = capsys.readouterr().out
    assert "GET /closed" in table
    assert table.endswith("2 routes.\n")


@pytest.mark.parametrize(
    "words", [["--no-such"], ["--config"], ["--output-format", "xml"], ["--output-format=xml"]]
)
def test_a_wrong_command_line_exits_two(
    words: list[str], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert words[0].partition("=")[0] in capsys.readouterr().err


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--ignore-noqa" in capsys.readouterr().out


def test_the_script_runs_on_its_own(project: Project) -> None:
    project.write("app/main.py", PROTECTED + OPEN)
    done = subprocess.run(
        [sys.executable, str(HOOKS / "route_auth.py"), "--output-format", "concise", "app"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("app/main.py:6:2: AUTH001 ")
    assert not done.stderr


def test_a_package_called_build_is_read_and_a_built_copy_is_not(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.route-auth]\nsrc = ["."]\nauth = ["a.b"]\n')
    for folder in ("app/build", "build/lib"):
        (tmp_path / folder).mkdir(parents=True)
        text = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/x')\ndef x(): ...\n"
        (tmp_path / folder / "server.py").write_text(text)
    found = {Path(one.path).parent.name for one in check(tmp_path)[0] if one.code == "AUTH001"}
    assert found == {"build"}
    assert len([one for one in check(tmp_path)[0] if one.code == "AUTH001"]) == 1
