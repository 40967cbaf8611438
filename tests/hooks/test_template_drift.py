"""template_drift says which files of the template a service lost, changed or keeps for itself."""

import json
import sys
from pathlib import Path

import pytest

from tests.hooks.services import Service, starts_worth


def kinds(found: dict[str, list[dict[str, str]]], part: str = "findings") -> set[tuple[str, str]]:
    """Return what was found about which path."""
    return {(one["kind"], one["path"]) for one in found[part]}


def test_an_untouched_service_has_no_drift(service: Service) -> None:
    found = service.drift()
    assert found["findings"] == []
    assert found["notes"] == []
    assert found["release"] == "0.9.0"
    assert found["files"] > 100


def test_a_deleted_file_is_missing(service: Service) -> None:
    # copier update leaves it deleted and says nothing, so a fix to it would never arrive.
    (service.root / "app/auth/guard.py").unlink()
    assert kinds(service.drift()) == {("missing", "app/auth/guard.py")}


def test_a_folder_that_became_a_file_is_missing_with_all_it_held(service: Service) -> None:
    routes = service.root / "app/auth/routes"
    count = len([file for file in routes.rglob("*") if file.is_file()])
    routes.rename(service.root / "elsewhere")
    routes.write_text("")
    assert len([one for one in service.drift()["findings"] if one["kind"] == "missing"]) == count


@pytest.mark.parametrize(
    "path",
    ["app/auth/guard.py", "app/auth/wiring.py", "hooks/_route_auth/audit.py", "alembic.ini"],
)
def test_a_changed_file_is_found_whether_plain_rendered_or_vendored(
    service: Service, path: str
) -> None:
    service.append(path, "# mine\n")
    assert kinds(service.drift()) == {("changed", path)}


def test_a_link_in_place_of_a_file_is_a_change(service: Service) -> None:
    path = service.root / "app/auth/guard.py"
    path.rename(service.root / "guard_copy.py")
    path.symlink_to(service.root / "guard_copy.py")
    assert kinds(service.drift()) == {("changed", "app/auth/guard.py")}


def test_your_own_files_and_shared_ones_are_nothing_to_it(service: Service) -> None:
    service.write("app/scopes.py", "# mine\n")
    service.write("app/api/own.py", "# mine\n")
    (service.root / "AGENTS.md").unlink()
    service.append(".env.example", "MINE=1\n")
    assert service.drift()["findings"] == []


def test_a_windows_checkout_is_told_and_does_not_fail(service: Service) -> None:
    path = service.root / "app/auth/guard.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found = service.drift()
    assert found["findings"] == []
    assert kinds(found, "notes") == {("line-endings", "app/auth/guard.py")}


def test_a_change_is_a_change_with_any_line_endings(service: Service) -> None:
    path = service.root / "app/auth/guard.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"# mine\r\n")
    assert kinds(service.drift()) == {("changed", "app/auth/guard.py")}


def test_a_file_in_a_folder_of_the_template_is_told(service: Service) -> None:
    service.write("app/auth/own.py", "# mine\n")
    service.write("app/auth/__pycache__/guard.cpython-311.pyc", "")
    found = service.drift()
    assert found["findings"] == []
    assert kinds(found, "notes") == {("extra", "app/auth/own.py")}


@pytest.mark.parametrize("remove", [True, False], ids=["deleted", "changed"])
def test_an_ejected_file_is_yours_with_its_reason(service: Service, remove: bool) -> None:
    if remove:
        (service.root / "app/auth/mails.py").unlink()
    else:
        service.append("app/auth/mails.py", "# mine\n")
    service.eject("app/auth/mails.py", "our mails are translated")
    found = service.drift()
    assert found["findings"] == []
    (note,) = found["notes"]
    assert note["kind"] == "ejected"
    assert "our mails are translated" in note["message"]


def test_an_ejected_file_that_is_the_templates_again_is_told(service: Service) -> None:
    service.eject("app/auth/mails.py", "our mails are translated")
    found = service.drift()
    assert found["findings"] == []
    assert kinds(found, "notes") == {("needless-eject", "app/auth/mails.py")}


@pytest.mark.parametrize(
    ("path", "reason", "message"),
    [
        ("app/auth/mail.py", "mistyped", "no file of the template"),
        ("app/main.py", "mine anyway", "no file of the template"),
        ("app/auth/mails.py", " ", "no reason"),
        ("ownership.toml", "no", "cannot be ejected"),
        (".copier-answers.yml", "no", "cannot be ejected"),
    ],
)
def test_a_wrong_line_of_the_eject_table_is_a_finding(
    service: Service, path: str, reason: str, message: str
) -> None:
    service.eject(path, reason)
    (finding,) = service.drift()["findings"]
    assert (finding["kind"], finding["path"]) == ("eject", "pyproject.toml")
    assert message in finding["message"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("jwt_algorithm: RS256", "jwt_algorithm: HS256", "'HS256', the files have 'RS256'"),
        ("jwt_algorithm: RS256\n", "", "jwt_algorithm is gone"),
        ("refresh_token_rotation: true", "refresh_token_rotation: false", "is false, the files"),
        ("_commit: 0.9.0", "_commit: 0.9.1", "'0.9.1', the files have '0.9.0'"),
        ("_commit: 0.9.0\n", "", "_commit is '', the files have '0.9.0'"),
        (
            "project_slug: my-service",
            "project_slug: my-service\nspeed: high",
            "speed is no question",
        ),
    ],
)
def test_an_answer_that_was_edited_by_hand_is_found(
    service: Service, old: str, new: str, said: str
) -> None:
    # copier update takes it for what the files were rendered with, and merges against a fiction.
    service.replace(".copier-answers.yml", old, new)
    (finding,) = [one for one in service.drift()["findings"] if one["kind"] == "answers"]
    assert said in finding["message"]


def test_another_spelling_of_the_same_answers_is_no_finding(service: Service) -> None:
    service.replace(".copier-answers.yml", "jwt_algorithm: RS256", 'jwt_algorithm: "RS256" # why')
    service.replace(
        ".copier-answers.yml", "project_name: My Service", "project_name:\n  My\n  Service"
    )
    assert service.drift()["findings"] == []


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        (".copier-answers.yml", "<<<<<<< before\n_commit: a\n=======\n", "line 1"),
        ("ownership.toml", "<<<<<<< before\n", "conflict markers"),
        ("ownership.toml", "[yours]\npaths = []\n", "lists no files"),
        ("pyproject.toml", "[tool.gatehouse\n", "is no TOML"),
        ("pyproject.toml", "[tool.gatehouse]\neject = ['x']\n", "holds lines"),
    ],
)
def test_what_cannot_be_read_is_not_called_clean(
    service: Service, path: str, text: str, reason: str
) -> None:
    service.write(path, text)
    found = service.drift()
    assert found["status"] == "unchecked"
    assert reason in found["reason"]


def test_without_a_manifest_nothing_is_checked(service: Service, tmp_path: Path) -> None:
    (service.root / "ownership.toml").unlink()
    done = service.run("template_drift", folder=tmp_path)
    assert done.returncode == 2
    assert "take it back from git" in done.stderr


@pytest.mark.parametrize("words", [["--no-such"], ["--diff"], ["--output-format", "xml"], ["x"]])
def test_a_word_that_means_nothing_is_an_error(service: Service, words: list[str]) -> None:
    assert service.run("template_drift", *words).returncode == 2


def test_it_finds_its_service_from_any_folder(service: Service, tmp_path: Path) -> None:
    (service.root / "app/auth/guard.py").unlink()
    for words in ([], ["--root", str(service.root)]):
        done = service.run("template_drift", *words, folder=tmp_path)
        assert done.returncode == 1
        assert "app/auth/guard.py: deleted" in done.stdout


def test_people_read_what_to_do(service: Service) -> None:
    (service.root / "app/auth/guard.py").unlink()
    service.append("app/auth/mails.py", "# mine\n")
    text = service.run("template_drift").stdout
    assert "--restore PATH" in text
    assert "[tool.gatehouse.eject]" in text
    assert text.splitlines()[-1].startswith("2 findings; ")


def test_annotations_name_the_file(service: Service) -> None:
    (service.root / "app/auth/guard.py").unlink()
    line = service.run("template_drift", "--output-format", "github").stdout
    assert line.startswith("::error title=template-drift (missing),file=app/auth/guard.py::deleted")
    assert line.count("\n") == 1


def test_it_needs_neither_network_nor_git_nor_libraries(service: Service, tmp_path: Path) -> None:
    # An empty PATH has no git, and -I -S leaves nothing but the standard library.
    done = service.run("template_drift", env={"PATH": str(tmp_path), "PYTHONPATH": ""})
    assert done.returncode == 0
    program = (
        "import sys, runpy; sys.path.insert(0, 'hooks'); sys.argv = ['x', '--json'];"
        "sys.addaudithook(lambda name, _: sys.exit(9) if name.startswith(('socket.', 'subprocess.',"
        "'os.exec', 'os.system', 'os.posix_spawn', 'os.fork')) else None);"
        "runpy.run_path('hooks/template_drift.py', run_name='__main__')"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=service.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "clean"


def test_it_takes_milliseconds(service: Service) -> None:
    service.run("template_drift")  # compiles itself once
    spent = starts_worth("hooks/template_drift.py", service.root)  # of about 15 milliseconds each
    assert spent < 8, f"{spent:.1f} starts of an interpreter"
