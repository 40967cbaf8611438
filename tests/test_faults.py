"""The planted faults fit the code, were seen caught as they are written, and the table says so."""

from dataclasses import replace

import pytest

from tools import faults as planted
from tools.faults import SECTIONS, TABLE, Edit, faults, problems, seen, stale, table

WRITTEN_SECTIONS = set(range(1, 12))


def test_every_fault_fits_the_code_and_names_tests_that_exist() -> None:
    assert list(problems(faults())) == []


def test_there_are_enough_and_every_section_has_some() -> None:
    entries = faults()
    assert len(entries) >= 40
    assert {entry.section for entry in entries} >= WRITTEN_SECTIONS
    assert {entry.section for entry in entries} <= SECTIONS.keys()


def test_every_fault_was_seen_caught_as_it_and_its_tests_are_written_now() -> None:
    assert [entry.id for entry in stale(faults(), seen())] == [], "run `make faults`"


def test_the_table_is_fresh() -> None:
    assert TABLE.read_text("utf-8") == table(faults(), seen()), "run `make faults`"


def test_a_fault_or_a_test_that_changed_has_to_be_seen_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = faults()[0]
    record = {good.id: {"of": good.fingerprint, "failed": {}}}
    assert stale([good], record) == []
    edit = replace(good.edits[0], replace="another fault")
    assert stale([replace(good, edits=(edit,))], record)
    assert stale([good], {})
    monkeypatch.setattr(planted, "source_of", lambda test: "def test_it(): ...")
    assert stale([good], record)


def test_faults_of_the_data_are_found() -> None:
    good = faults()[0]
    file = good.edits[0].file
    wrong = {
        "two faults for one promise": [good, replace(good, id="again")],
        "section that does not exist": [replace(good, section=12)],
        "odd text": [replace(good, promise="no full stop")],
        "names no test": [replace(good, tests=())],
        "0 times": [replace(good, edits=(Edit(file, "no such text", ""),))],
        "nowhere.py has its text 0 times": [replace(good, edits=(Edit("nowhere.py", "a", "b"),))],
        "changes nothing": [
            replace(good, edits=(replace(good.edits[0], replace=good.edits[0].find),))
        ],
        "which does not exist": [replace(good, tests=(f"{good.tests[0]}_or_not",))],
    }
    for sentence, entries in wrong.items():
        assert [found for found in problems(entries) if sentence in found], sentence
