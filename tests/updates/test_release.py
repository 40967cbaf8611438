"""A release that would break an update, or leave people uninformed, is refused."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updates.scratch import IDENTITY, Origin, commit, git, refresh_manifest

pytestmark = pytest.mark.heavy
VERSION = "99.1.0"
ENTRY = "### Fixed\n- Small things\n"
WEAKNESS = """### Security

#### A mount was not asked for a token
- Affected: 0.1.0
- Files: app/auth/guard.py
- Action: update
"""
Fault = Callable[[Origin], None]


def say(origin: Origin, text: str, heading: str = f"## {VERSION} (2027-01-01)") -> None:
    """Put an entry on top of the changelog."""
    file = origin.path / "CHANGELOG.md"
    before, mark, after = file.read_text("utf-8").partition("\n## ")
    file.write_text(f"{before}\n{heading}\n\n{text}\n{mark}{after}")


def run(origin: Origin, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the release command of a clone."""
    return subprocess.run(
        [sys.executable, "-m", "tools.release", *words],
        cwd=origin.path,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def ready(origin: Origin) -> Origin:
    """A clone that could be released, but for the fault that a test plants."""
    refresh_manifest(origin.path)
    say(origin, ENTRY)
    commit(origin.path, "Ready")
    return origin


def change(path: str, pattern: str, new: str, *, fresh: bool = False) -> Fault:
    """Plant a fault by replacing what a pattern finds first."""

    def plant(origin: Origin) -> None:
        file = origin.path / path
        expression = re.compile(pattern, re.MULTILINE | re.DOTALL)
        text, count = expression.subn(new, file.read_text("utf-8"), count=1)
        assert count, f"{path} holds no {pattern}"
        file.write_text(text, "utf-8")
        if fresh:
            refresh_manifest(origin.path)
        commit(origin.path, "A fault")

    return plant


def security(text: str) -> Fault:
    """Plant a security entry."""
    return change("CHANGELOG.md", r"### Fixed\n- Small things\n", text)


def vanish(origin: Origin) -> None:
    """Remove a path of the template."""
    (origin.path / "template/app/core/clock.py").unlink()
    refresh_manifest(origin.path)
    commit(origin.path, "A fault")


def hide(origin: Origin) -> None:
    """Give a path to fewer answers than before."""
    change("copier.yml", r"    /app/auth/signing_hs256\.py\n", r"\g<0>    /app/core/clock.py\n")(
        origin
    )
    refresh_manifest(origin.path)
    commit(origin.path, "A fault")


def leave_uncommitted(origin: Origin) -> None:
    """Leave work that is in no commit."""
    (origin.path / "README.md").write_text("not yet")


QUESTION = "jwt_algorithm:\n  type: str\n"
FAULTS: dict[str, tuple[Fault, str]] = {
    "no changelog entry": (
        change("CHANGELOG.md", rf"## {VERSION} .*?\n## ", "## "),
        "says nothing",
    ),
    "no date": (change("CHANGELOG.md", rf"## {VERSION} \(.*?\)", f"## {VERSION}"), "has no date"),
    "no affected releases": (
        security(WEAKNESS.replace("- Affected: 0.1.0\n", "")),
        "lacks: affected",
    ),
    "unreadable releases": (security(WEAKNESS.replace("0.1.0", "some")), "lacks: affected (as in"),
    "no files": (security(WEAKNESS.replace("- Files: app/auth/guard.py\n", "")), "lacks: files"),
    "no such file": (security(WEAKNESS.replace("guard.py", "gard.py")), "which no service has"),
    "no action": (security(WEAKNESS.replace("- Action: update\n", "")), "lacks: action"),
    "a value removed": (
        change("copier.yml", r"    none - nowhere;[^\n]*\n", ""),
        "question token_revocation lost ['none']",
    ),
    "a question removed": (
        change("copier.yml", r"deploy_target:\n.*?(?=\n[a-z_]+:|\n# -)", ""),
        "question deploy_target was removed",
    ),
    "a question without default": (
        change("copier.yml", "^jwt_algorithm:", "region:\n  type: str\n\njwt_algorithm:"),
        "question region is new and has no default",
    ),
    "a question that hides": (
        change("copier.yml", QUESTION, QUESTION + "  when: false\n"),
        "question jwt_algorithm became conditional",
    ),
    "a task": (
        change("copier.yml", "^_subdirectory:", "_tasks: [ls]\n_subdirectory:"),
        "_tasks appeared",
    ),
    "a path vanished": (vanish, "app/core/clock.py vanished"),
    "a path vanished for some answers": (hide, "app/core/clock.py vanished"),
    "a stale manifest": (
        change("template/app/core/clock.py", r"\Z", "# more\n"),
        "ownership.toml.jinja is stale",
    ),
    "uncommitted work": (leave_uncommitted, "not committed:  M README.md"),
}


def test_what_is_ready_is_not_refused(ready: Origin) -> None:
    done = run(ready, VERSION, "--check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_refused_by_name(name: str, ready: Origin) -> None:
    plant, sentence = FAULTS[name]
    plant(ready)
    done = run(ready, VERSION, "--check")
    assert done.returncode == 1, done.stdout
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("0.1.0", "0.1.0 is not newer than release 0.1.0"),
        ("next", "'next' is no version"),
        ("99.01.0", "write the version as 99.1.0"),
        ("99.0.0", "the tag 99.0.0 exists already"),
    ],
)
def test_a_version_that_is_not_the_next_one_is_refused(
    version: str, sentence: str, ready: Origin
) -> None:
    done = run(ready, version, "--check")
    assert done.returncode == 1
    assert sentence in done.stderr


def test_a_release_recorded_in_a_commit_that_is_not_there_is_said_clearly(ready: Origin) -> None:
    lost = rf'\g<1>commit = "{"0" * 40}"'  # of the last release, which this one is compared with
    change("releases.toml", r'\A(.*)commit = "[0-9a-f]{40}"', lost)(ready)
    done = run(ready, VERSION, "--check")
    assert done.returncode == 1
    assert "git fetch --unshallow" in done.stderr


def report(origin: Origin, **figures: object) -> None:
    """Leave what a run of `make test` leaves."""
    (origin.path / "reports").mkdir(exist_ok=True)
    (origin.path / "reports" / "matrix.json").write_text(json.dumps(figures))


def test_a_release_whose_tests_fail_is_not_tagged(ready: Origin) -> None:
    # `make test` of this clone is a command that fails at once and leaves its report as it was.
    (ready.path / "Makefile").write_text("test:\n\tfalse\n")
    commit(ready.path, "A fault")
    tree = git(ready.path, "rev-parse", "HEAD^{tree}").strip()
    for figures in ({}, {"tree": "another", "tests_failed": 0, "tests_passed": 9}):
        report(ready, **figures)
        assert "on another tree" in run(ready, VERSION).stderr
    report(ready, tree=tree, tests_failed=1, tests_passed=9)
    done = run(ready, VERSION)
    assert done.returncode == 1
    assert "the tests fail" in done.stderr
    assert VERSION not in git(ready.path, "tag").split()


def test_a_release_is_an_annotated_tag_and_recorded_in_the_commit_after_it(ready: Origin) -> None:
    security(WEAKNESS)(ready)
    head = git(ready.path, "rev-parse", "HEAD").strip()
    tree = git(ready.path, "rev-parse", "HEAD^{tree}").strip()
    report(ready, tree=tree, tests_failed=0, tests_passed=9)
    done = run(ready, VERSION)
    assert done.returncode == 0, done.stderr
    assert git(ready.path, "cat-file", "-t", VERSION).strip() == "tag"
    assert git(ready.path, "rev-parse", f"{VERSION}^{{commit}}").strip() == head
    assert "Security: A mount was not asked" in git(ready.path, "cat-file", "-p", VERSION)
    assert f'version = "{VERSION}"\ncommit = "{head}"' in (ready.path / "releases.toml").read_text()
    assert (ready.path / "releases.toml").read_text().endswith("security = true\n")
    assert git(ready.path, "status", "--porcelain") == ""


def test_a_commit_that_has_landed_is_not_tested_again(ready: Origin) -> None:
    (ready.path / "Makefile").write_text("test:\n\tfalse\n")
    commit(ready.path, "A run of the tests would fail")
    done = run(ready, VERSION, "--landed")
    assert done.returncode == 1
    assert "origin/main" in done.stderr  # a clone that has none
    git(ready.path, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    done = run(ready, VERSION, "--landed")
    assert done.returncode == 1
    assert "not with this commit" in done.stderr
    assert VERSION not in git(ready.path, "tag").split()
    git(ready.path, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert run(ready, VERSION, "--landed").returncode == 0
    assert VERSION in git(ready.path, "tag").split()


def test_this_tree_would_break_no_update(released: Origin) -> None:
    done = run(released, VERSION, "--check")
    others = ("CHANGELOG.md says nothing", "ownership.toml.jinja is stale")
    refused = [line for line in done.stderr.splitlines() if not any(o in line for o in others)]
    assert refused == []


def test_reports_are_no_uncommitted_work(ready: Origin) -> None:
    report(ready)
    assert Path(ready.path / "reports").exists()
    assert git(ready.path, "status", "--porcelain") == ""
