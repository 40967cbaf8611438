"""What safe_update promises around an update: it refuses, restores, sums up, and says all."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from _safe_update import options
from _safe_update.manifest import parse_answers

from tests.updates import team
from tests.updates.scratch import (
    Origin,
    Outcome,
    commit,
    git,
    make_service,
    update,
    update_as_a_team_does,
)

pytestmark = pytest.mark.heavy
FILE = "app/core/clock.py"
WEAKNESS = (
    "### Security\n\n#### A clock could be wrong\n"
    f"- Affected: 0.1.0 to 99.0.0\n- Files: {FILE}\n- Action: look at\n  the log of last week"
)


def change(origin: Origin, version: str, changelog: str = "### Fixed\n- Small things") -> None:
    """Release a change of one file of the template."""
    file = origin.path / "template" / FILE
    file.write_text(f"{file.read_text('utf-8')}# {version}\n", "utf-8")
    origin.release(version, changelog)


@pytest.fixture
def newer(origin: Origin, service: Path) -> Origin:
    """The template with two releases that the service does not have, one of them for security."""
    change(origin, "99.1.0", WEAKNESS)
    change(origin, "99.2.0")
    return origin


@pytest.mark.usefixtures("newer")
def test_it_shows_what_lies_between_security_first_and_touches_nothing(service: Path) -> None:
    before = team.contents(service)
    outcome = update(service, "--show")
    assert (outcome.code, outcome.summary["exit"]) == (options.WAITING_SECURITY,) * 2
    assert outcome.summary["releases"] == ["99.2.0", "99.1.0"]
    lines = [line.strip() for line in outcome.text.splitlines()]
    weakness = lines.index(
        "99.1.0: A clock could be wrong (this service has it; affected: 0.1.0 to 99.0.0)"
    )
    assert lines[weakness + 1 : weakness + 3] == [
        f"files: {FILE}",
        "action: look at the log of last week",
    ]
    assert weakness < lines.index("99.2.0 2027-01-01") < lines.index("99.1.0 2027-01-01")
    assert team.contents(service) == before


def test_a_release_without_a_weakness_of_this_service_only_waits(
    origin: Origin, service: Path
) -> None:
    assert update(service, "--show").code == options.PASSED
    change(origin, "99.1.0", WEAKNESS.replace("0.1.0 to 99.0.0", "0.1.0"))
    outcome = update(service, "--show")
    assert outcome.code == options.WAITING
    assert "not in this release" in outcome.text


@pytest.mark.usefixtures("newer")
def test_it_goes_to_the_wanted_release_and_no_further_and_not_back(service: Path) -> None:
    outcome = update(service, "--to", "99.1.0")
    assert (outcome.code, outcome.summary["to"]) == (0, "99.1.0")
    assert (service / FILE).read_text("utf-8").endswith("# 99.1.0\n")
    commit(service, "Update")
    back = update(service, "--to", "99.0.0")
    assert back.code == options.REFUSED
    assert "older" in back.text
    unknown = update(service, "--to", "98.7.6")
    assert unknown.code == options.REFUSED
    assert "no release 98.7.6" in unknown.text


@pytest.mark.usefixtures("newer")
def test_a_dirty_tree_is_refused_with_the_reason(service: Path) -> None:
    (service / "notes.txt").write_text("not committed")
    before = team.contents(service)
    outcome = update(service)
    assert outcome.code == options.REFUSED
    assert "?? notes.txt" in outcome.text
    assert team.contents(service) == before


def test_what_is_no_service_is_refused(tmp_path: Path, service: Path) -> None:
    assert update(tmp_path).code == options.REFUSED
    (service / ".git").rename(tmp_path / "away")
    assert update(service, "--to", "99.0.0").code == options.PASSED
    outcome = update(service, "--data", "jwt_algorithm=HS256", "--accept")
    assert outcome.code == options.REFUSED
    assert "git repository" in outcome.text


@pytest.mark.usefixtures("newer")
def test_a_template_file_that_git_ignores_is_refused_before_it_is_written_over(
    service: Path,
) -> None:
    (service / ".gitignore").write_text("app/core/clock.py\n")
    git(service, "rm", "--quiet", "--cached", FILE)
    commit(service, "Ignore it")
    (service / FILE).write_text("OURS = 1\n")
    outcome = update(service)
    assert outcome.code == options.REFUSED
    assert FILE in outcome.text
    assert (service / FILE).read_text() == "OURS = 1\n"


@pytest.mark.usefixtures("newer")
def test_restore_brings_everything_back_and_keeps_what_came_later(service: Path) -> None:
    (service / FILE).write_text((service / FILE).read_text() + "# ours\n")
    (service / ".gitignore").write_text("*.rej\nsecret.env\n")
    commit(service, "An edit that will be a conflict")
    (service / "secret.env").write_text("ours")
    before = team.contents(service)
    assert update(service).code == options.CONFLICTS
    (service / "later.txt").write_text("made after the update")
    assert update(service, "--restore").code == options.PASSED
    (service / "later.txt").unlink()
    assert team.contents(service) == before
    assert git(service, "status", "--porcelain") == ""
    assert update(service, "--restore").code == options.REFUSED


def test_restore_removes_the_files_and_folders_that_the_update_made(
    origin: Origin, service: Path
) -> None:
    made = origin.path / "template/app/core/new_things/deep.py"
    made.parent.mkdir()
    made.write_text("NEW = 1\n")
    origin.release("99.1.0")
    before = team.contents(service)
    assert update(service).code == options.PASSED
    assert (service / "app/core/new_things/deep.py").exists()
    update(service, "--restore")
    assert team.contents(service) == before
    assert not (service / "app/core/new_things").exists()


def kinds(outcome: Outcome) -> list[str]:
    """Return what kinds of conflicts an update names; it must end as one with conflicts."""
    assert outcome.code == options.CONFLICTS
    return [conflict["kind"] for conflict in outcome.summary["conflicts"]]


@pytest.mark.usefixtures("newer")
def test_after_conflicts_are_resolved_it_goes_on_and_tests(service: Path) -> None:
    (service / FILE).write_text((service / FILE).read_text() + "# ours\n")
    commit(service, "An edit that will be a conflict")
    assert update(service).code == options.CONFLICTS
    assert kinds(update(service, "--continue")) == ["unmerged"]
    git(service, "checkout", "--theirs", "--", FILE)
    assert kinds(update(service, "--continue")) == ["unmerged"], "git was not told"
    resolved = (service / FILE).read_text("utf-8")
    (service / FILE).write_text("<<<<<<< before updating\n=======\n>>>>>>> after updating\n")
    git(service, "add", FILE)
    assert kinds(update(service, "--continue")) == ["conflict markers"], "git was told too soon"
    (service / FILE).write_text(resolved, "utf-8")
    git(service, "add", FILE)
    left = service / f"{FILE}.rej"
    left.write_text("a change that found no place")
    assert kinds(update(service, "--continue")) == ["rejected change"]
    left.unlink()
    outcome = update(service, "--continue")
    assert outcome.code == options.PASSED, outcome.text
    assert [entry["title"] for entry in outcome.summary["security"]] == ["A clock could be wrong"]


def test_a_copier_that_fails_leaves_the_tree_as_it_was(origin: Origin, service: Path) -> None:
    (origin.path / "template/app/broken.py.jinja").write_text("{{ no_such_answer }}\n")
    origin.release("99.1.0")
    before = team.contents(service)
    outcome = update_as_a_team_does(service, "--no-tests")
    assert outcome.code == options.FAILED
    assert "no_such_answer" in outcome.text
    assert team.contents(service) == before
    assert git(service, "status", "--porcelain") == ""


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize(
    ("command", "code", "tests"),
    [("true", options.PASSED, "passed"), ("false", options.TESTS_FAILED, "failed: false")],
)
def test_the_services_own_guarantees_decide(
    command: str, code: int, tests: str, service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.updates.scratch.NO_TESTS", [])
    outcome = update(service, "--tests", command)
    assert outcome.code == code
    assert outcome.summary["tests"].startswith(tests)


def test_a_service_in_a_folder_of_a_larger_repository_is_updated_alone(
    origin: Origin, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    (large / "services").mkdir(parents=True)
    git(large, "init", "--quiet")
    service = make_service(origin, large / "services" / "users", own_repository=False)
    (large / "other.txt").write_text("theirs")
    commit(large, "Begin")
    (large / "other.txt").write_text("work in progress elsewhere")
    change(origin, "99.1.0", WEAKNESS)
    before = team.contents(large)
    outcome = update(service)
    assert outcome.code == 0, outcome.text
    assert outcome.summary["changed"]["template"] == [
        ".copier-answers.yml",
        FILE,
        "ownership.toml",
    ]
    update(service, "--restore")
    assert team.contents(large) == before
    assert git(large, "status", "--porcelain") == " M other.txt\n"


def test_a_template_that_moved_is_followed_once_or_for_good(
    newer: Origin, service: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    newer.path.rename(moved)
    answers = service / ".copier-answers.yml"
    lost = update(service)
    assert lost.code == options.REFUSED
    assert "--moved-to" in lost.text
    recorded = parse_answers(answers.read_text())["_src_path"]
    assert update(service, "--source", str(moved)).code == 0
    assert parse_answers(answers.read_text())["_src_path"] == recorded
    update(service, "--restore")
    assert update(service, "--moved-to", str(moved)).code == 0
    assert parse_answers(answers.read_text())["_src_path"] == str(moved)
    assert parse_answers(answers.read_text())["_commit"] == "99.2.0"
    assert " M .copier-answers.yml" in git(service, "status", "--porcelain").splitlines()


def fake_uv(folder: Path, code: str) -> str:
    """Return a PATH on which uv is a script."""
    folder.mkdir()
    script = folder / "uv"
    script.write_text(f"#!{sys.executable}\nimport sys, pathlib, json\n{code}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


LOCKS = """
pathlib.Path("asked.json").write_text(json.dumps(sys.argv[1:]))
lock = pathlib.Path("uv.lock")
old = 'name = "pyjwt"\\nversion = "'
assert lock.read_text().count(old) == 1
lock.write_text(lock.read_text().replace(old, old + "99."))
"""


@pytest.mark.parametrize(
    ("code", "exit_code"), [(LOCKS, options.PASSED), ("sys.exit('no network')", options.INCOMPLETE)]
)
def test_a_raised_floor_reaches_the_lock_or_is_named(
    code: str,
    exit_code: int,
    origin: Origin,
    service: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin.replace("template/pyproject.toml.jinja", '"pyjwt[crypto]>=2.15"', '"pyjwt[crypto]>=90"')
    origin.release("99.1.0")
    monkeypatch.setenv("PATH", fake_uv(tmp_path / "bin", code))
    outcome = update(service)
    assert outcome.code == exit_code, outcome.text
    if exit_code == options.PASSED:
        asked = json.loads((service / "asked.json").read_text())
        assert asked == ["lock", "--quiet", "--upgrade-package", "pyjwt"]
    else:
        assert outcome.summary["floors"] == [
            "uv lock failed: no network",
            "pyjwt >=90: run uv lock --upgrade-package pyjwt",
        ]


@pytest.mark.usefixtures("newer")
def test_the_summary_is_also_the_text_of_a_pull_request(service: Path, tmp_path: Path) -> None:
    file = tmp_path / "pull-request.md"
    update(service, "--markdown", str(file))
    text = file.read_text("utf-8")
    assert text.startswith("Updates the template from 99.0.0 to 99.2.0.\n")
    assert text.index("## Security fixes contained") < text.index("A clock could be wrong")


def test_the_exit_codes_are_distinct_and_explained() -> None:
    names = ("PASSED", "TESTS_FAILED", "USAGE", "REFUSED", "CONFLICTS", "FAILED", "INCOMPLETE")
    codes = [getattr(options, name) for name in (*names, "WAITING", "WAITING_SECURITY")]
    assert codes == list(range(9))
    explained = [line.split()[0] for line in options.EXIT_CODES.splitlines()[1:]]
    assert explained == [str(code) for code in codes]


def test_a_template_that_is_far_away_is_read_without_its_history(
    origin: Origin, tmp_path: Path
) -> None:
    address = f"git+file://{origin.path}"
    cache = str(tmp_path / "cache")
    service = tmp_path / "service"
    words = ["copy", "--defaults", "--quiet", address, str(service)]
    copier = [sys.executable, "-m", "copier", *words]
    environment = {**os.environ, "COPIER_CACHE_DIR": cache}
    subprocess.run(copier, check=True, env=environment, capture_output=True)
    git(service, "init", "--quiet")
    commit(service, "Begin")
    change(origin, "99.1.0", WEAKNESS)
    outcome = update_as_a_team_does(service, "--no-tests", COPIER_CACHE_DIR=cache)
    assert outcome.code == options.PASSED, outcome.text
    assert [entry["title"] for entry in outcome.summary["security"]] == ["A clock could be wrong"]
    assert (service / FILE).read_text("utf-8").endswith("# 99.1.0\n")
