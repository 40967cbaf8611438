"""The runner itself: it counts truly, and a failure says what it was and how to see it again."""

import itertools
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.matrix import questions
from tests.matrix.jobs import Job, Outcome, run
from tests.matrix.plan import QUICK, Plan, pairwise_trees
from tests.matrix.rendering import Rendering
from tests.matrix.report import Progress, Run, conclude
from tests.matrix.shard import WHOLE, Shard
from tests.matrix.variations import COMPOSITION, base, fullest, is_test, shares

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
    assert outcome.failures == ["test_it::test_bad"]
    assert outcome.skipped == {"no real Redis: none is installed": 2}
    assert not outcome.ok


@pytest.mark.parametrize("code", ["import nothing_like_this", "raise SystemExit(0)", ""])
def test_a_suite_that_does_not_run_is_a_failure(code: str, tmp_path: Path) -> None:
    assert not run(job(tmp_path, code), tmp_path / "report.xml").ok


def test_what_pytest_says_beside_its_tests_is_the_name_of_that_failure(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("def pytest_unconfigure(): exit('a late warning')")
    outcome = run(job(tmp_path, "def test_good(): pass"), tmp_path / "report.xml")
    assert (outcome.passed, outcome.failed, outcome.ok) == (1, 1, False)
    assert outcome.failures == ["no test of it, but status 1: a late warning"]


AS_PYTEST_WARNS = """
import warnings, pytest
def pytest_sessionfinish():
    warnings.warn(pytest.PytestWarning("(rm_rf) error removing /x: [Errno 39] Directory not empty"))
"""


def test_runs_beside_each_other_may_take_away_the_same_old_files(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "conftest.py").write_text(AS_PYTEST_WARNS)
    outcome = run(job(tmp_path, "def test_good(): pass"), tmp_path / "report.xml")
    assert (outcome.passed, outcome.failures) == (1, [])


def test_a_preparation_that_fails_is_a_failure(tmp_path: Path) -> None:
    good = job(tmp_path, "def test_good(): pass")
    broken = Job(**{**vars(good), "prepare": [sys.executable, "-c", "exit('no network')"]})
    outcome = run(broken, tmp_path / "report.xml")
    assert (outcome.failed, outcome.output) == (1, "no network\n")


LEAVES_A_SERVER = """
import subprocess, sys, time
def test_server():
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    server = subprocess.Popen(command, start_new_session=True)
    with open("pid", "w") as file:
        file.write(str(server.pid))
    print("what it said before", flush=True)
"""


def ended(pid: int) -> bool:
    """Tell whether a process is gone, or nothing but a name that nobody has taken in yet."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to an ancestor")
def test_a_job_that_hangs_is_killed_with_its_servers_and_its_output_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.matrix.jobs.TIMEOUT_SECONDS", 10)
    hangs = job(tmp_path, LEAVES_A_SERVER + "    time.sleep(600)")
    outcome = run(Job(**{**vars(hangs), "arguments": ["-s"]}), tmp_path / "report.xml")
    assert ended(int((tmp_path / "pid").read_text()))
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert "what it said before" in outcome.output
    assert "killed: did not end in 10 seconds" in outcome.output
    assert "in test_server" in outcome.output  # where it stood


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to an ancestor")
def test_what_a_job_leaves_behind_is_ended_and_named(tmp_path: Path) -> None:
    outcome = run(job(tmp_path, LEAVES_A_SERVER), tmp_path / "report.xml")
    pid = (tmp_path / "pid").read_text()
    assert ended(int(pid))
    assert f"ended what was left behind: {pid}" in outcome.output


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


def test_the_shards_of_a_run_hold_each_job_once(tmp_path: Path) -> None:
    jobs = [job(tmp_path, "") for _ in range(10)]
    shards = [Shard.parse(f"{number}/4").of(jobs) for number in (1, 2, 3, 4)]
    assert sorted(id(each) for shard in shards for each in shard) == sorted(map(id, jobs))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert WHOLE.of(jobs) == jobs


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "/", "a/b", "-1/4"])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"shard|invalid literal"):
        Shard.parse(text)


def test_a_run_ends_with_its_figures_and_names_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skipped = Counter(slow=2)
    passed = Outcome(job(tmp_path, ""), 8, 1, skipped, 1.0, 1.0, "", ["test_it::test_bad"])
    file = tmp_path / "reports" / "matrix.json"
    conclude(Run(12, 6, [passed, passed], 1.234, 9.876, Counter({"no Python": 1})), file)
    assert json.loads(file.read_text()) == {
        "tree": "",
        "combinations": 12,
        "trees": 6,
        "tests_passed": 16,
        "tests_failed": 2,
        "skipped": {"slow": 4, "no Python": 1},
        "render_seconds": 1.23,
        "total_seconds": 9.88,
        "core_seconds": 2.0,
        "slowest_job": f"suite {questions.title(ANSWERS)}",
        "slowest_job_seconds": 1.0,
    }
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "16 passed, 2 failed, 5 skipped"
    assert lines[-2] == f"failed: suite {questions.title(ANSWERS)}: test_it::test_bad"


def rendering(providers: tuple[str, ...], algorithm: str = "RS256") -> Rendering:
    """A tree of 30 test files, one of its own, and one more for each provider."""
    names = [*(f"test_{n:02}" for n in range(30)), "test_guard", *(f"test_{p}" for p in providers)]
    files = {f"tests/auth/{name}.py": "" for name in [*names, f"test_own_{algorithm}"]}
    files["tests/auth/support/plugin.py"] = ""
    answers: questions.Answers = {"jwt_algorithm": algorithm, "oauth_providers": providers}
    return Rendering(answers, Path(), {**files, f"app/{algorithm}{providers}.py": ""})


def test_trees_that_vary_a_choice_of_several_test_what_it_adds() -> None:
    subsets = [s for n in range(4) for s in itertools.combinations(("a", "b", "c"), n)]
    trees = [rendering(s, algorithm) for algorithm in map(str, range(12)) for s in subsets]
    met: dict[str, list[object]] = {}
    for tree, files in shares(trees):
        providers = tree.answers["oauth_providers"]
        assert isinstance(providers, tuple)
        if not providers or tree is fullest(trees):
            assert files == []  # the whole suite
            files = [path for path in tree.files if "/test_" in path]
        assert "tests/auth/test_guard.py" in files
        assert "tests/auth/support/plugin.py" not in files
        for path in files:
            met.setdefault(path, []).append(providers)
    for name in (f"test_{n:02}" for n in range(30)):
        # What no subset changes runs without any, and with all in the fullest.
        assert {*met[f"tests/auth/{name}.py"]} == {(), ("a", "b", "c")}, name
    for provider in ("a", "b", "c"):
        # Of twelve trees with each subset that has the provider, three or four test what it adds.
        for subset in (each for each in subsets if provider in each):
            assert met[f"tests/auth/test_{provider}.py"].count(subset) in {3, 4}


def test_each_test_file_of_a_service_meets_the_subsets_of_the_providers(
    trees: list[Rendering],
) -> None:
    met: dict[str, set[object]] = {}
    for tree, files in shares(trees):
        for path in files or tree.files:
            if is_test(path):
                met.setdefault(path, set()).add(tree.answers["oauth_providers"])
    offered = {tree.answers["oauth_providers"] for tree in trees}
    assert len(offered) == 8
    for path, subsets in met.items():
        there = {t.answers["oauth_providers"] for t in trees if path in t.files}
        if path in COMPOSITION or () not in there:
            assert subsets == there, path
        elif path in fullest(trees).files:
            assert len(subsets) >= 2, path


def test_each_test_file_of_every_tree_meets_every_two_answers(trees: list[Rendering]) -> None:
    bases = [(tree, files) for tree, files in shares(trees) if tree.answers == base(tree.answers)]
    assert {bool(files) for _, files in bases} == {True, False}
    for path in {path for tree, _ in bases for path in tree.files if is_test(path)}:
        there = [tree for tree, _ in bases if path in tree.files]
        runs = [tree for tree, files in bases if path in (files or tree.files)]
        assert together(runs, 1) == together(there, 1), path
        if len(there) == len(bases):
            assert together(runs, 2) == together(there, 2), path


def together(trees: Sequence[Rendering], count: int) -> set[tuple[object, ...]]:
    """Return every so many answers that occur together."""
    each = (itertools.combinations(tree.answers.items(), count) for tree in trees)
    return set(itertools.chain.from_iterable(each))


def test_a_file_that_a_variation_changes_runs_there() -> None:
    whole, variation = rendering(()), rendering(("a",))
    changed = Rendering(
        variation.answers, Path(), {**variation.files, "tests/auth/test_07.py": "x"}
    )
    shared = [rendering((), "HS256"), whole, changed, rendering(("a", "b"))]
    assert "tests/auth/test_07.py" in {t.tree: f for t, f in shares(shared)}[changed.tree]


def test_a_variation_without_its_base_runs_whole() -> None:
    assert [files for _, files in shares([rendering(("a",)), rendering(("a", "b"))])] == [[], []]


def test_every_tree_runs_once_and_the_pairwise_ones_in_environments_of_their_own(
    renderings: list[Rendering], trees: list[Rendering]
) -> None:
    jobs = list(Plan("uv", {}, Path()).suites(renderings))
    (slow,) = (each for each in jobs if each.name == "slow promises")
    jobs.remove(slow)
    assert sorted(each.title for each in jobs) == sorted(map(questions.title, answers(trees)))
    own = [each for each in jobs if each.name.startswith("own env")]
    assert own[0].title == questions.title(questions.defaults())
    chosen = {*map(questions.title, answers(pairwise_trees(renderings)))}
    assert {each.title for each in own} == chosen
    assert own[0].arguments == ()  # slow promises included
    assert all(each.arguments[:2] == QUICK for each in jobs if each is not own[0])
    full = fullest(trees)
    assert questions.title(full.answers) in {each.title for each in own if each.arguments == QUICK}
    # What the defaults have not is there, and its slow promises run there.
    assert slow.directory == full.directory
    assert "tests/auth/test_oauth_state_machine.py" in slow.arguments
    assert not trees[0].files.keys() & {*slow.arguments}
    everywhere = list(Plan("uv", {}, Path(), everything=True).suites(renderings))
    assert {each.title for each in everywhere} == {each.title for each in jobs}
    assert all(each.arguments == () for each in everywhere)


def answers(trees: Sequence[Rendering]) -> list[questions.Answers]:
    """Return the answers of trees."""
    return [tree.answers for tree in trees]


def test_files_that_no_test_reads_make_no_tree_of_their_own() -> None:
    one = rendering(())
    for path in ("Dockerfile", "README.md", "deploy/service.yaml", ".github/workflows/ci.yml"):
        assert Rendering(one.answers, Path(), {**one.files, path: "other"}).tree == one.tree
    other = Rendering(one.answers, Path(), {**one.files, "app/main.py": "other"})
    assert other.tree != one.tree
