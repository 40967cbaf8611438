"""Every answer can be changed later, both ways: files swap, and what is alive lives on."""

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from _safe_update import options, switches
from _safe_update.manifest import read_manifest

from tests.matrix.questions import ROOT, Answer, configuration, spell
from tests.matrix.questions import options as choices
from tests.updates import team
from tests.updates.living import KEPT, Living
from tests.updates.redis_server import redis_server
from tests.updates.scratch import HEAD, Origin, commit, git, make_service, render, update

pytestmark = pytest.mark.heavy
NOTES = (ROOT / "switches.toml").read_text("utf-8")


def pairs() -> Iterator[tuple[str, Answer, Answer]]:
    """Yield every question with every two of its values; of several at once, one more or less."""
    for name, values in choices().items():
        for one, other in itertools.combinations(values, 2):
            several = isinstance(other, tuple)
            if not several or (one == () and isinstance(other, tuple) and len(other) == 1):
                yield name, one, other


PAIRS = [pytest.param(*pair, id=f"{pair[0]} {spell(pair[1])}-{spell(pair[2])}") for pair in pairs()]
LIVE = ("jwt_algorithm", "token_revocation", "refresh_token_rotation")
LIVE_PAIRS = [pair for pair in PAIRS if pair.values[0] in LIVE]


def word(answer: Answer) -> str:
    """Return an answer as --data takes it."""
    return f"[{', '.join(answer)}]" if isinstance(answer, tuple) else spell(answer)


def switch(service: Path, question: str, answer: Answer) -> None:
    """Change one answer, as the how-to page says, and commit."""
    outcome = update(service, "--data", f"{question}={word(answer)}", "--accept")
    assert outcome.code == 0, outcome.text
    commit(service, f"Switch {question}")


@pytest.mark.parametrize(("question", "one", "other"), PAIRS)
def test_files_swap_and_the_teams_work_stays(
    question: str, one: Answer, other: Answer, released: Origin, tmp_path: Path
) -> None:
    service = make_service(released, tmp_path / "service", answers={question: one})
    theirs = team.work(service)
    for step, answer in enumerate((other, one)):
        switch(service, question, answer)
        fresh = render(released, tmp_path / f"fresh-{step}", HEAD, {question: answer})
        manifest = read_manifest(fresh)
        now, new = team.contents(service), team.contents(fresh)
        for path in manifest.template:
            assert now.get(path) == new[path], path
        swapped = read_manifest(service).template.keys() ^ manifest.template.keys()
        assert not swapped
        for path, text in theirs.items():
            if manifest.owner(path) == "yours":
                assert now[path] == text, path


@pytest.mark.parametrize(("question", "one", "other"), LIVE_PAIRS)
def test_sessions_live_on_and_what_was_revoked_stays_refused(
    question: str, one: Answer, other: Answer, released: Origin, tmp_path: Path
) -> None:
    # Keys of RSA take seconds to make; HS256 stands in where the algorithm does not matter.
    answers = {"jwt_algorithm": "HS256", question: one}
    service = make_service(released, tmp_path / "service", answers=answers)
    with redis_server(tmp_path) as redis_url:
        living = Living(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/living.db", redis_url)
        for answer in (other, one):
            living.make(service)
            switch(service, question, answer)
            expected = dict(KEPT)
            if question == "jwt_algorithm":
                expected["access"] = 401  # and one silent refresh later all is well
            said = living.check(service)
            used = said.pop("used_refresh")
            assert said == expected
            if question == "refresh_token_rotation" and answer is False:
                assert used == 400, "a token that was used up under rotation is none afterwards"


@pytest.mark.parametrize(("question", "one", "other"), PAIRS)
def test_each_change_is_explained(question: str, one: Answer, other: Answer) -> None:
    for before, after in ((one, other), (other, one)):
        found = switches.notes(NOTES, {question: word(before)}, {question: word(after)})
        assert found, f"switches.toml says nothing about {question}: {before} -> {after}"
        assert all(note.then for note in found)


def test_switches_name_only_values_that_exist() -> None:
    for entry in tomllib.loads(NOTES)["switch"]:
        # A question that no release asks yet may be explained before; one that is asked must be.
        question = configuration().get(entry["question"], {})
        values = {"true", "false", *map(str, question.get("choices", {}).values())}
        assert not question or {entry["from"], entry["to"]} <= {"", switches.ANY, *values}


def test_what_is_lost_is_said_and_nothing_happens_without_consent(
    released: Origin, tmp_path: Path
) -> None:
    service = make_service(released, tmp_path / "service")
    outcome = update(service, "--data", "token_revocation=none")
    assert outcome.code == options.REFUSED
    assert "although its owner logged out" in outcome.text
    assert "--accept" in outcome.text
    assert git(service, "status", "--porcelain") == ""
    assert update(service, "--show", "--data", "token_revocation=none").code == options.WAITING


def test_a_change_that_loses_nothing_needs_no_consent(released: Origin, tmp_path: Path) -> None:
    service = make_service(released, tmp_path / "service")
    assert update(service, "--data", "token_revocation=database").code == options.PASSED


def test_edits_to_a_file_of_the_old_answer_are_named(released: Origin, tmp_path: Path) -> None:
    service = make_service(released, tmp_path / "service")
    file = service / "app/auth/revocation_redis.py"
    file.write_text(f"{file.read_text('utf-8')}# ours\n", "utf-8")
    commit(service, "An edit")
    outcome = update(service, "--data", "token_revocation=database")
    assert outcome.code == options.CONFLICTS
    assert [conflict["kind"] for conflict in outcome.summary["conflicts"]] == ["lost edits"]
