"""Services that teams have changed for a year update without a conflict, from every release."""

from pathlib import Path

import pytest
from _safe_update.manifest import read_manifest

from tests.matrix.questions import ROOT, Answers, pairwise, title
from tests.updates import team
from tests.updates.scratch import (
    HEAD,
    Origin,
    commit,
    git,
    make_service,
    recorded_answers,
    refresh_manifest,
    render,
    update,
)
from tools.compatibility import values
from tools.releases import Release, recorded

pytestmark = pytest.mark.heavy


def offered(release: Release) -> list[Answers]:
    """Return a pairwise set of this tree's answers as far as a release of the past had them."""
    questions = release.questions()
    found: list[Answers] = []
    for combination in pairwise():
        had = {
            name: value
            for name, value in combination.items()
            if name in questions and _knows(values(questions[name]), value)
        }
        if had not in found:
            found.append(had)
    return found


def _knows(known: list[object], value: object) -> bool:
    return set(value) <= set(known) if isinstance(value, tuple) else value in known


CASES = [
    pytest.param(release, answers, id=f"{release.version} {title(answers)}")
    for release in recorded(ROOT)
    for answers in offered(release)
]


@pytest.mark.parametrize(("release", "answers"), CASES)
def test_the_templates_files_are_as_fresh_ones_and_the_teams_as_before(
    release: Release, answers: Answers, released: Origin, tmp_path: Path
) -> None:
    service = make_service(released, tmp_path / "service", release.version, answers)
    given = recorded_answers(service)
    before = team.contents(service)
    theirs = team.work(service)
    outcome = update(service)
    assert outcome.code == 0, outcome.text

    fresh = render(released, tmp_path / "fresh", HEAD, given)
    manifest = read_manifest(fresh)
    now, new = team.contents(service), team.contents(fresh)
    template = {path for path in new if manifest.owner(path) == "template"}
    assert template == set(manifest.template)
    assert {path: now.get(path) for path in template} == {path: new[path] for path in template}
    for path, text in theirs.items():
        owner = manifest.owner(path)
        if owner == "yours":
            assert now[path] == text, path
        else:
            assert owner == "shared", path
            lines = now[path].splitlines()
            missing = [line for line in new[path].splitlines() if line not in lines]
            assert not missing, f"{path} lacks lines of the template"
            own = set(text.splitlines()) - set(before[path].splitlines())
            assert own <= set(lines), f"{path} lacks lines of the team"
    for path in ("AGENTS.md", "tests/app/test_items.py"):
        assert path not in now, f"{path} was deleted and came back"
    assert set(git(service, "status", "--porcelain").split()) & {"AA", "UU"} == set()


def test_an_ejected_file_is_left_alone_and_named(origin: Origin, tmp_path: Path) -> None:
    service = make_service(origin, tmp_path / "service")
    own = "# Ours since we mail through a queue.\n"
    (service / "app/core/mail.py").write_text(own, "utf-8")
    text = (service / "pyproject.toml").read_text("utf-8")
    table = "[tool.gatehouse.eject]\n"
    line = '"app/core/mail.py" = "mails go through our queue"\n'
    assert text.count(table) == 1
    (service / "pyproject.toml").write_text(text.replace(table, table + line), "utf-8")
    commit(service, "Eject")
    first = (origin.path / "template/app/core/mail.py").read_text("utf-8")
    (origin.path / "template/app/core/mail.py").write_text(f"{first}\n# the fix\n", "utf-8")
    refresh_manifest(origin.path)
    origin.release("99.1.0")

    outcome = update(service)
    assert outcome.code == 0, outcome.text
    assert (service / "app/core/mail.py").read_text("utf-8") == own
    assert outcome.summary["ejected"] == ["app/core/mail.py (mails go through our queue)"]

    commit(service, "Update")
    back = update(service, "--take-back", "app/core/mail.py")
    assert back.code == 0, back.text
    assert (service / "app/core/mail.py").read_text("utf-8").endswith("# the fix\n")


def test_a_change_elsewhere_in_a_template_file_is_kept_beside_the_fix(
    origin: Origin, service: Path
) -> None:
    file = service / "app/core/clock.py"
    file.write_text(f"{file.read_text('utf-8')}\n\nOURS = 1\n", "utf-8")
    commit(service, "A change at the end")
    path = origin.path / "template/app/core/clock.py"
    first, _, rest = path.read_text("utf-8").partition("\n")
    path.write_text(f"{first}\n# the fix\n{rest}", "utf-8")
    origin.release("99.1.0")
    outcome = update(service)
    assert outcome.code == 0, outcome.text
    text = file.read_text("utf-8")
    assert "# the fix" in text
    assert text.endswith("OURS = 1\n")


def test_a_file_that_the_template_brings_where_the_team_has_one_is_a_conflict(
    origin: Origin, service: Path
) -> None:
    (service / "app/core/tracing.py").write_text("OURS = 1\n", "utf-8")
    commit(service, "Our tracing")
    (origin.path / "template/app/core/tracing.py").write_text("THEIRS = 2\n", "utf-8")
    origin.release("99.1.0")
    outcome = update(service)
    assert "OURS = 1" in (service / "app/core/tracing.py").read_text("utf-8")
    assert outcome.code == 4, outcome.text
    assert [conflict["path"] for conflict in outcome.summary["conflicts"]] == [
        "app/core/tracing.py"
    ]
