"""The runner itself: it counts truly, and a failure says what it was and how to see it again."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.matrix import questions
from tests.matrix.jobs import Job, Outcome, run
from tests.matrix.report import Progress, Run, conclude

ANSWERS = {**questions.defaults(), "jwt_algorithm": "HS256"}


def job(directory: Path, test: str) -> Job:
    """A job that runs one small test file."""
    (directory / "test_it.py").write_text(test)
    return Job(
        "suite",
        questions.title(ANSWERS),
        f'make test-one ANSWERS="{questions.command_words(ANSWERS)}"',
        Path(sys.executable),
        directory,
    )


def test_a_run_counts_what_passed_failed_and_was_skipped_and_why(tmp_path: Path) -> None:
    code = """
import pytest
def test_good(): pass
def test_bad(): assert False
@pytest.mark.parametrize("number", [1, 2])
def test_skipped(number): pytest.skip("no real Redis: none is installed")
"""
    outcome = run(job(tmp_path, code), tmp_path / "report.xml")
    assert (outcome.passed, outcome.failed) == (1, 1)
    assert outcome.skipped == {"no real Redis: none is installed": 2}
    assert not outcome.ok


@pytest.mark.parametrize("code", ["import nothing_like_this", "raise SystemExit(0)", ""])
def test_a_suite_that_does_not_run_is_a_failure(code: str, tmp_path: Path) -> None:
    assert not run(job(tmp_path, code), tmp_path / "report.xml").ok


def test_a_preparation_that_fails_is_a_failure(tmp_path: Path) -> None:
    good = job(tmp_path, "def test_good(): pass")
    broken = Job(**{**vars(good), "prepare": [sys.executable, "-c", "exit('no network')"]})
    outcome = run(broken, tmp_path / "report.xml")
    assert (outcome.failed, outcome.output) == (1, "no network\n")


def test_a_failure_prints_its_answers_and_the_command_that_reproduces_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = run(job(tmp_path, "def test_bad(): assert 1 == 2"), tmp_path / "report.xml")
    Progress(1, sys.stdout).ended(outcome)
    printed = capsys.readouterr().out
    assert "assert 1 == 2" in printed
    assert "jwt_algorithm=HS256 token_revocation=redis" in printed
    assert 'reproduce: make test-one ANSWERS="jwt_algorithm=HS256"' in printed


def test_the_reproducing_words_ask_for_the_same_answers() -> None:
    for answers in questions.combinations():
        assert questions.parse(questions.command_words(answers).split()) == answers


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("algorithm=HS256", "There is no question 'algorithm'; there are jwt_algorithm, "),
        ("jwt_algorithm=ES256", "jwt_algorithm is one of RS256, HS256, not 'ES256'."),
    ],
)
def test_a_combination_that_does_not_exist_gets_a_sentence(word: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"HS256|There is") as caught:
        questions.parse([word])
    assert str(caught.value).startswith(sentence)


def test_a_run_ends_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passed = Outcome(job(tmp_path, ""), 8, 1, Counter(slow=2), 1.0, 1.0, "")
    file = tmp_path / "reports" / "matrix.json"
    conclude(Run(12, 6, [passed, passed], 1.234, 9.876, Counter({"no Python": 1})), file)
    assert json.loads(file.read_text()) == {
        "combinations": 12,
        "trees": 6,
        "tests_passed": 16,
        "tests_failed": 2,
        "skipped": {"slow": 4, "no Python": 1},
        "render_seconds": 1.23,
        "total_seconds": 9.88,
    }
    assert capsys.readouterr().out.splitlines()[-1] == "16 passed, 2 failed, 5 skipped"
