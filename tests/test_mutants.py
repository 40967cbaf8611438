"""Mutants are made where they should be, and the report says what the last run saw."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.matrix.questions import ROOT
from tools.faults import source_text
from tools.mutation import covering, keeping
from tools.mutation.__main__ import is_in_sample
from tools.mutation.making import Mutant, mutants_of
from tools.mutation.reporting import (
    REPORT,
    choices,
    report,
    seen,
    without_reason,
)

CODE = '''
LIMIT = 10

def allow(user, now, *, strict=True):
    """Say 1 > 0."""
    log.info("asked", number=1)
    if user is None or user.until <= now:
        raise Refused("after 3 tries")
    return select(User).where(User.id == user.id, User.active).execution_options(fast=True)
'''


LEAVING = """
import subprocess
from tools.mutation.forking import adopt_orphans, forked

adopt_orphans()
print(forked(lambda: {"pid": subprocess.Popen(["sleep", "60"], start_new_session=True).pid})["pid"])
"""


@pytest.fixture
def mutants(tmp_path: Path) -> list[Mutant]:
    """Every mutant of a small file."""
    (tmp_path / "file.py").write_text(CODE)
    return mutants_of(tmp_path, "file.py")


def test_conditions_numbers_statements_and_queries_are_changed(mutants: list[Mutant]) -> None:
    changes = {(mutant.was, mutant.becomes) for mutant in mutants}
    condition = "user is None or user.until <= now"
    query = "select(User).where(User.id == user.id, User.active)"
    assert changes >= {
        ("10", "11"),
        ("True", "False"),
        (condition, "False"),
        (condition, "True"),
        (condition, "user is None and user.until <= now"),
        ("user is None", "user is not None"),
        ("user.until <= now", "user.until < now"),
        ('raise Refused("after 3 tries")', "pass"),
        (query, "select(User).where(User.active)"),
        ("User.id == user.id", "User.id != user.id"),
    }


def test_what_is_only_said_is_left_alone(mutants: list[Mutant]) -> None:
    for mutant in mutants:
        assert 'log.info("asked", number=1)' in mutant.source
        assert "Say 1 > 0." in mutant.source
        assert "execution_options(fast=True)" in mutant.source
        assert sum(a != b for a, b in zip(mutant.source, CODE, strict=False)) > 0


def test_what_only_an_import_sees_is_marked(mutants: list[Mutant]) -> None:
    assert {mutant.was for mutant in mutants if mutant.apart} == {"10", "True"}


def test_every_mutant_has_a_name_of_its_own_that_decides_about_the_sample(
    mutants: list[Mutant],
) -> None:
    assert len({mutant.id for mutant in mutants}) == len(mutants)
    assert all(is_in_sample(mutant, 100) for mutant in mutants)
    assert not any(is_in_sample(mutant, 0) for mutant in mutants)


def test_a_death_counts_while_file_and_test_are_what_they_were(
    mutants: list[Mutant], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT", tmp_path / "reports" / "mutants.json")
    texts = {"tests/auth/test_x.py::test_it": "def test_it(): ..."}
    monkeypatch.setattr(keeping, "source_of", texts.get)
    dead, alive, *_ = mutants
    by = "tests/auth/test_x.py::test_it[a]"
    verdicts = {
        dead.id: {"verdict": "killed", "by": by},
        alive.id: {"verdict": "survived", "by": ""},
    }
    keeping.keep(mutants, verdicts)
    assert keeping.still_dead(mutants, keeping.kept()) == {dead.id: verdicts[dead.id]}
    texts["tests/auth/test_x.py::test_it"] = "def test_it(): pass"
    assert keeping.still_dead(mutants, keeping.kept()) == {}


def test_the_files_are_there_and_each_says_why() -> None:
    for file, why in choices()["files"].items():
        assert source_text(file), file
        assert why


def test_the_report_is_fresh() -> None:
    assert REPORT.read_text("utf-8") == report(seen(), choices()), "run `make mutants`"


def test_every_survivor_has_a_reason_and_every_reason_a_survivor() -> None:
    run, chosen = seen(), choices()
    assert list(without_reason(run, chosen)) == []
    assert chosen["reasons"].keys() <= set(run["survivors"])


def test_what_no_line_of_a_function_names_is_for_every_test_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("schemes.py").write_text(
        "scheme = Scheme(1)\n\ndef get(\n    key: Use[scheme],\n):\n    return key\n"
    )
    Path("test_x.py").write_text("def test_it(): ...\n")
    lines = {"schemes.py": {"6": ["test_x.py::test_it"]}}
    mutant = {"file": "schemes.py", "line": 1, "apart": True}
    assert covering.tests_at(mutant, lines, []) == ["test_x.py::test_it"]


def test_a_number_is_for_the_tests_that_hold_it_and_those_of_the_lines_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("limits.py").write_text("LIMIT = 10\n")
    Path("counting.py").write_text("def count():\n    return LIMIT\n")
    Path("test_holding.py").write_text("def test_it(): assert LIMIT == 10\n")
    Path("test_using.py").write_text("def test_it(): count()\n")
    Path("test_other.py").write_text("def test_it(): ...\n")
    tests = {name: f"test_{name}.py::test_it" for name in ("holding", "using", "other")}
    lines = {"counting.py": {"2": [tests["using"]]}}
    mutant = {"file": "limits.py", "line": 1, "apart": True}
    assert covering.tests_at(mutant, lines, tests.values()) == [tests["holding"], tests["using"]]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who is left behind")
def test_a_server_that_a_mutant_leaves_behind_is_ended() -> None:
    command = [sys.executable, "-c", LEAVING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not Path(f"/proc/{int(done.stdout)}").exists()
