"""What is written down about releases is true, and this tree would break no update."""

import tomllib

import yaml
from _safe_update import changelog, versions

from tests.matrix.questions import ROOT
from tools.compatibility import broken_questions, vanished_paths
from tools.releases import RECORD, recorded

LOG = changelog.parse((ROOT / "CHANGELOG.md").read_text("utf-8"))


def test_every_release_is_in_the_changelog_as_it_is_recorded() -> None:
    entries = {release.version: release for release in LOG}
    for record in tomllib.loads((ROOT / RECORD).read_text("utf-8"))["release"]:
        entry = entries[record["version"]]
        assert entry.date == str(record["date"])
        assert bool(entry.security) == record["security"]


def test_releases_are_written_down_in_their_order() -> None:
    known = [versions.key(release.version) for release in recorded(ROOT)]
    assert known == sorted(set(known))
    told = [versions.key(r.version) for r in LOG if versions.is_version(r.version)]
    assert told == sorted(set(told), reverse=True)


def test_every_security_entry_says_whom_it_affects_where_and_what_to_do() -> None:
    for release in LOG:
        for entry in release.security:
            assert entry.lacks() == [], f"{release.version}: {entry.title}"


def test_no_question_no_answer_and_no_path_is_taken_away() -> None:
    last = recorded(ROOT)[-1]
    new = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    assert [*broken_questions(last.questions(), new), *vanished_paths(last, ROOT)] == []


def test_versions_are_ordered_as_pep_440_says() -> None:
    names = "0.10 0.1 1 0.1.0rc1 0.1.0a1 0.2.0 0.1.1 0.1.0b2"
    ordered = "0.1.0a1 0.1.0b2 0.1.0rc1 0.1 0.1.1 0.2.0 0.10 1"
    assert " ".join(sorted(names.split(), key=versions.key)) == ordered
    assert versions.key("v1.0.0") == versions.key("1")
    assert versions.release_of("0.1.0-3-g20dd346") == "0.1.0"
    assert versions.release_of("20dd346") == ""


def test_affected_releases_are_read_as_they_are_written() -> None:
    text = "0.1.0 to 0.1.4, 0.3.0, before 0.0.9"
    tried = ("0.0.8", "0.0.9", "0.1.0", "0.1.4", "0.1.5", "0.3")
    hit = [version for version in tried if versions.affects(text, version)]
    assert hit == ["0.0.8", "0.1.0", "0.1.4", "0.3"]
