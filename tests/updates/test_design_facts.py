"""The facts about Copier that the design answers: the loss without our check, the alarm with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.updates.quick import run_copier
from tests.updates.scratch import Origin, commit, git, make_service, refresh_manifest, update

OWNED = "app/core/clock.py"
LINE = "class Clock(Protocol):"


def plain_update(service: Path) -> int:
    """Run `copier update` and nothing else; return its exit status."""
    return run_copier(["update", "--defaults", "--quiet"], service).code


def change_line(service: Path, words: str) -> None:
    """Edit the line that the planted release changes too."""
    file = service / OWNED
    file.write_text(file.read_text("utf-8").replace(LINE, words), "utf-8")


@pytest.fixture
def fixed(origin: Origin) -> Origin:
    """The template with a release that closes a weakness in one file."""
    origin.replace(f"template/{OWNED}", LINE, f"{LINE}  # the fix")
    origin.release(
        "99.1.0",
        "### Security\n\n#### A clock could be wrong\n"
        f"- Affected: 0.1.0 to 99.0.0\n- Files: {OWNED}\n- Action: nothing more",
    )
    return origin


def test_a_fix_reaches_an_owned_file_that_nobody_touched(fixed: Origin, service: Path) -> None:
    outcome = update(service)
    assert outcome.code == 0, outcome.text
    assert "# the fix" in (service / OWNED).read_text("utf-8")
    (entry,) = outcome.summary["security"]
    assert (entry["title"], entry["concerns_this_service"]) == ("A clock could be wrong", True)


def test_a_fix_never_reaches_a_deleted_file_and_the_update_says_so(
    fixed: Origin, service: Path
) -> None:
    (service / OWNED).unlink()
    commit(service, "We do not need this")
    git(service, "branch", "before")
    assert plain_update(service) == 0, "the loss is silent without our check"
    assert not (service / OWNED).exists()
    git(service, "reset", "--quiet", "--hard", "before")

    outcome = update(service)
    assert outcome.code == 6
    assert [line.partition(":")[0] for line in outcome.summary["missing"]] == [OWNED]
    assert f"--take-back {OWNED}" in outcome.text


def test_an_update_with_conflicts_succeeds_for_copier_and_not_for_us(
    fixed: Origin, service: Path
) -> None:
    change_line(service, "class Clock(Protocol):  # ours")
    commit(service, "An edit where the template's fix will be")
    git(service, "branch", "before")
    assert plain_update(service) == 0, "the conflict is no failure without our check"
    assert "<<<<<<< before updating" in (service / OWNED).read_text("utf-8")
    git(service, "reset", "--quiet", "--hard", "before")

    outcome = update(service)
    assert outcome.code == 4
    (conflict,) = outcome.summary["conflicts"]
    assert (conflict["path"], conflict["owner"]) == (OWNED, "template")
    assert "git checkout --theirs" in conflict["advice"]
    assert "# the fix" in (service / OWNED).read_text("utf-8"), "both sides are there to be seen"
    assert "# ours" in (service / OWNED).read_text("utf-8")


def test_edits_to_a_file_that_the_template_removes_are_lost_and_named(
    origin: Origin, service: Path
) -> None:
    change_line(service, "class Clock(Protocol):  # ours")
    commit(service, "An edit")
    git(service, "branch", "before")
    (origin.path / "template" / OWNED).rename(origin.path / "template" / "app/core/clocks.py")
    refresh_manifest(origin.path)
    origin.release("99.1.0")
    assert plain_update(service) == 0, "the loss is silent without our check"
    assert not (service / OWNED).exists()
    assert "# ours" not in (service / "app/core/clocks.py").read_text("utf-8")
    git(service, "reset", "--quiet", "--hard", "before")
    git(service, "clean", "-qfd")

    outcome = update(service)
    assert outcome.code == 4
    (conflict,) = outcome.summary["conflicts"]
    assert (conflict["path"], conflict["kind"]) == (OWNED, "lost edits")
    assert "git show" in conflict["advice"]


def test_an_answer_that_lost_its_value_becomes_the_default_and_is_named(
    origin: Origin, tmp_path: Path
) -> None:
    service = make_service(origin, tmp_path / "chosen", answers={"token_revocation": "none"})
    file = origin.path / "copier.yml"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    (choice,) = [
        line for line in lines if line.endswith("refresh tokens still end at once: none\n")
    ]
    origin.replace("copier.yml", choice, "")
    origin.release("99.1.0")
    git(service, "branch", "before")
    assert plain_update(service) == 0, "the change is silent without our check"
    assert "token_revocation: redis" in (service / ".copier-answers.yml").read_text("utf-8")
    git(service, "reset", "--quiet", "--hard", "before")
    git(service, "clean", "-qfd")

    outcome = update(service)
    assert outcome.code == 4
    assert outcome.summary["answers"] == ["token_revocation: none became redis"]


def test_two_heads_break_a_plain_upgrade_and_not_the_services_command(service: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": "sqlite+aiosqlite:///heads.db"}
    environment["SECRET_KEY"] = "Kx3vQm8ZrT1wYb6NcJ5hLd0sGfP2uE7aVt9iRo4k"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=service,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    plain = run("alembic", "upgrade", "head")
    assert plain.returncode != 0
    assert "multiple head" in (plain.stdout + plain.stderr).lower()
    assert run("app", "db", "upgrade").returncode == 0
