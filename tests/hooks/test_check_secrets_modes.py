"""check_secrets reads what git would commit, passes over what has a reason, and is quick."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hooks.secret_cases import CHECK, api_key, run_check, say
from tests.hooks.services import Service, git, starts_worth
from tests.matrix.questions import ROOT

BOUND = 4 * 1024 * 1024  # bytes, of a file that is read


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty git repository."""
    git(tmp_path, "init", "--quiet")
    return tmp_path


def rules(findings: list[dict[str, object]]) -> list[tuple[object, object]]:
    """Return the path and the rule of each finding."""
    return [(one["path"], one["rule"]) for one in findings]


def test_what_is_staged_counts_and_not_what_lies_there(repository: Path) -> None:
    file = repository / "notes.md"
    file.write_text(api_key("user"))
    assert run_check(repository) == (0, []), "nothing is staged"
    git(repository, "add", "notes.md")
    file.write_text("clean again, but not staged\n")
    assert rules(run_check(repository)[1]) == [("notes.md", "api-key")]
    git(repository, "add", "notes.md")
    file.write_text(api_key("user"))
    assert run_check(repository) == (0, [])


def test_a_commit_that_takes_a_secret_out_passes(repository: Path) -> None:
    (repository / ".env").write_text("A=1\n")
    git(repository, "add", ".env")
    git(repository, "commit", "--quiet", "--message", "a mistake")
    assert rules(run_check(repository, "--all")[1]) == [(".env", "env-file")]
    git(repository, "rm", "--quiet", "--cached", ".env")
    assert run_check(repository) == (0, [])
    assert run_check(repository, "--all") == (0, [])


def test_names_are_read_from_the_index_or_else_from_disk(repository: Path) -> None:
    for name in ("known.md", "un known.md"):
        (repository / name).write_text(api_key("user"))
    git(repository, "add", "known.md")
    (repository / "known.md").write_text("clean again\n")
    found = rules(run_check(repository, "./known.md", "un known.md")[1])
    assert sorted(found) == [("known.md", "api-key"), ("un known.md", "api-key")]


def test_a_strange_name_is_a_name(repository: Path) -> None:
    for name in ("*.md", "a\nb.md", "ü.md", ":(top)x", "--all"):
        (repository / name).write_text(api_key("user"))
    git(repository, "add", "--all")
    assert len(run_check(repository)[1]) == 5
    assert rules(run_check(repository, "--", "*.md")[1]) == [("*.md", "api-key")]


def test_a_folder_of_a_larger_repository_is_checked_alone(repository: Path) -> None:
    for name in ("a", "b"):
        (repository / name).mkdir()
        (repository / name / "x.md").write_text(api_key("user"))
    git(repository, "add", "--all")
    for words in ([], ["--all"], ["x.md"]):
        assert rules(run_check(repository / "a", *words)[1]) == [("x.md", "api-key")]


def test_a_link_is_not_followed(repository: Path) -> None:
    (repository / "secret").write_text(api_key("user"))
    (repository / "link.md").symlink_to("secret")
    git(repository, "add", "link.md")
    assert run_check(repository) == (0, [])


def test_binary_files_are_passed_over_and_large_ones_are_named(repository: Path) -> None:
    key = api_key("user")
    (repository / "image.png").write_bytes(b"\x89PNG\0" + key.encode())
    (repository / "large.txt").write_text(key + "x" * BOUND)
    (repository / "full.txt").write_text("x" * (BOUND - len(key) - 1) + " " + key)
    git(repository, "add", "--all")
    done = say(repository)
    assert "full.txt:1: api-key" in done.stdout
    assert "large.txt: not read" in done.stderr
    assert "image.png" not in done.stdout + done.stderr


def test_more_than_fits_into_memory_at_once_is_read_in_parts(repository: Path) -> None:
    for number in range(12):
        (repository / f"{number:02}.txt").write_text(f"{number}" + "x " * (BOUND // 2 - 100))
    (repository / "99.txt").write_text(api_key("user"))
    git(repository, "add", "--all")
    assert rules(run_check(repository)[1]) == [("99.txt", "api-key")]


@pytest.mark.parametrize(
    "place", ["{key} # {allow}", "# {allow}\n{key}", "<!-- {allow} -->\n{key}"]
)
def test_a_comment_with_a_reason_is_an_exception(repository: Path, place: str) -> None:
    def found(allow: str) -> list[tuple[object, object]]:
        (repository / "x.md").write_text(place.format(key=api_key("user"), allow=allow))
        git(repository, "add", "x.md")
        return rules(run_check(repository)[1])

    assert found("check-secrets: allow an example in our docs") == []
    assert found("check-secrets: allow") == [("x.md", "allow")]
    assert found("check-secrets: allowed?") == [("x.md", "api-key")]


def test_a_comment_reaches_one_line_and_no_further(repository: Path) -> None:
    text = f"# check-secrets: allow an example\n{api_key('user')}\n{api_key('svc')}\n"
    (repository / "x.md").write_text(text)
    git(repository, "add", "x.md")
    assert [one["line"] for one in run_check(repository)[1]] == [3]


def test_a_file_without_comments_is_named_in_pyproject(repository: Path) -> None:
    (repository / "data.json").write_text(api_key("user"))
    project = repository / "pyproject.toml"
    project.write_text('[tool.gatehouse.secrets]\n"data*.json" = "made up"\n')
    git(repository, "add", "--all")
    assert run_check(repository, "--all") == (0, [])
    project.write_text('[tool.gatehouse.secrets]\n"data.json" = ""\n"gone.json" = "made up"\n')
    details = [one["message"] for one in run_check(repository, "--all")[1]]
    assert any("data.json has no reason" in text for text in details)
    assert any("gone.json names no file" in text for text in details)
    assert any("API key" in text for text in details)


def test_what_cannot_be_checked_is_not_called_clean(repository: Path, tmp_path: Path) -> None:
    assert run_check(repository, "--no-such")[0] == 2
    (repository / "pyproject.toml").write_text("[tool\n")
    assert run_check(repository)[0] == 2
    broken = subprocess.run(
        [sys.executable, str(CHECK), "--all"],
        cwd=repository, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert broken.returncode == 2, "git is not there"


def test_outside_of_git_nothing_is_committed(tmp_path: Path) -> None:
    done = say(tmp_path, "--all")
    assert done.returncode == 0
    assert "no git repository" in done.stderr


@pytest.mark.parametrize("form", ["concise", "json", "github"])
def test_no_secret_is_said_aloud(repository: Path, form: str) -> None:
    key, secret = api_key("user"), "9f8e7d6c5b4a39281706f5e4d3c2b1a0-abcdef"
    (repository / ".env").write_text(f"SECRET_KEY={secret}\nX={key}\nU=redis://:{secret}@h/0\n")
    (repository / "x.py").write_text(f'secret_key = "{secret}"  # check-secrets: allow\n')
    git(repository, "add", "--all")
    done = say(repository, "--output-format", form)
    assert done.returncode == 1
    for part in (key, secret, key[-49:], secret[:16]):
        assert part not in done.stdout + done.stderr


def test_a_rendered_service_holds_no_secret(service: Service) -> None:
    service.commit()
    done = service.run("check_secrets", "--all")
    assert (done.returncode, done.stdout.splitlines()[-1][:16]) == (0, "no secrets found")
    service.write(".env", "A=1\n")
    git(service.root, "add", "--force", ".env")
    assert service.run("check_secrets").returncode == 1


def test_this_repository_holds_no_secret(tmp_path: Path) -> None:
    # A copy with an index of its own: the checkout may be an archive, or have work in it.
    names = ("hooks", "template", "tests", "tools", "docs", "benchmarks", ".github")
    for name in names:
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for file in ROOT.glob("*.*"):
        if file.is_file():
            shutil.copy(file, tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    assert run_check(tmp_path, "--all") == (0, [])


def test_a_commit_does_not_wait_for_it(service: Service) -> None:
    service.commit()
    for number in range(20):
        service.write(f"app/api/own_{number}.py", service.read("app/auth/guard.py"))
    git(service.root, "add", "--all")
    service.run("check_secrets")  # compiles itself once

    spent = starts_worth("hooks/check_secrets.py", service.root)  # of about 15 milliseconds each
    assert spent < 12, f"{spent:.1f} starts of an interpreter for 20 files, git included"
