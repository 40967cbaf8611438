"""The drill: a release with a weakness, a service of it that its team changed, and the fix.

Nothing is replaced here: the command runs as a team runs it, Copier in a process of its own.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.matrix.jobs import BYTECODE
from tests.updates import team
from tests.updates.living import KEPT, Living
from tests.updates.scratch import Origin, commit, make_service, update_as_a_team_does

pytestmark = pytest.mark.heavy
EXPLOITS = Path(__file__).with_name("stories") / "exploits.py.txt"


@dataclass(frozen=True)
class Weakness:
    """A fault that a release has and the next one mends."""

    exploit: str
    title: str
    path: str
    sound: str
    weak: str


WEAKNESSES = [
    Weakness(
        "test_algorithm",
        "A token could choose its own algorithm",
        "app/auth/security.py",
        "        payload: bytes = jwt.PyJWS().decode("
        "token, key.material.verifying, algorithms=[key.alg])\n",
        '        alg = jwt.get_unverified_header(token)["alg"]\n'
        '        checked = {"verify_signature": alg != "none"}\n'
        "        payload: bytes = jwt.PyJWS().decode(\n"
        "            token, key.material.verifying, algorithms=[alg], options=checked\n"
        "        )\n",
    ),
    Weakness(
        "test_rotation",
        "A refresh token could be used twice",
        "app/auth/refresh_rotating.py",
        ".where(RefreshToken.token_hash == token_hash, RefreshToken.consumed_at.is_(None), alive)",
        ".where(RefreshToken.token_hash == token_hash, alive)",
    ),
    Weakness(
        "test_guard",
        "A mounted app was not asked for a token",
        "app/auth/guard.py",
        "            yield from _walk_mounted(route.app, path)\n",
        "            continue\n",
    ),
]


def withstands(service: Path, exploit: str) -> bool:
    """Attack a service over HTTP; tell whether it withstands."""
    file = service / "tests/auth/test_exploits.py"  # where the harness is
    file.write_text(EXPLOITS.read_text("utf-8"), "utf-8")
    done = pytest_in(service, "-q", "-p", "no:cacheprovider", f"{file}::{exploit}")
    file.unlink()
    assert "1 passed" in done.stdout or "1 failed" in done.stdout, done.stdout + done.stderr
    return done.returncode == 0


def pytest_in(service: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a service."""
    command = [sys.executable, "-m", "pytest", *words]
    environment = {**os.environ, **BYTECODE}
    return subprocess.run(
        command, cwd=service, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda weakness: weakness.exploit)
def test_a_service_of_a_weak_release_is_mended_by_one_command(
    weakness: Weakness, origin: Origin, tmp_path: Path
) -> None:
    path = f"template/{weakness.path}"
    origin.replace(path, weakness.sound, weakness.weak)
    origin.release("99.1.0")
    service = make_service(origin, tmp_path / "service", "99.1.0")
    living = Living(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/living.db")
    living.make(service)
    theirs = team.work(service, keep_example=True)
    assert not withstands(service, weakness.exploit), (
        "the weakness is none: the drill proves nothing"
    )

    origin.replace(path, weakness.weak, weakness.sound)
    origin.release(
        "99.1.1",
        f"### Security\n\n#### {weakness.title}\n- Affected: 99.1.0\n"
        f"- Files: {weakness.path}\n- Action: look at the log for what was used",
    )
    own_tests = f"{sys.executable} -m pytest -q -p no:cacheprovider tests/app"
    outcome = update_as_a_team_does(service, "--tests", own_tests)
    assert outcome.code == 0, outcome.text
    assert [entry["title"] for entry in outcome.summary["security"]] == [weakness.title]
    assert outcome.summary["tests"] == "passed"

    assert withstands(service, weakness.exploit)
    now = team.contents(service)
    assert {path: now[path] for path in theirs} == theirs
    answers = living.check(service)
    assert {name: answers[name] for name in KEPT} == KEPT
    commit(service, "Update")


def test_an_update_renders_three_times_and_no_more(
    origin: Origin, service: Path, tmp_path: Path
) -> None:
    """Copier itself renders old, new and merged; we add none, and start it once."""
    origin.replace(
        "template/app/core/clock.py", "class Clock(Protocol):", "class Clock(Protocol):  # x"
    )
    origin.release("99.1.0")
    log = tmp_path / "calls"
    wrapper = tmp_path / "counting.py"
    wrapper.write_text(
        "import pathlib, runpy, sys\n"
        "from copier._main import Worker\n"
        f"log = pathlib.Path({str(log)!r})\n"
        "def note(word):\n"
        "    with log.open('a') as file: file.write(word + '\\n')\n"
        "note('started')\n"
        "stock = Worker._render_template\n"
        "def counted(self):\n"
        "    note('rendered')\n"
        "    stock(self)\n"
        "Worker._render_template = counted\n"
        "runpy.run_module('copier', run_name='__main__')\n"
    )
    copier = f"{sys.executable} {wrapper}"
    outcome = update_as_a_team_does(service, "--no-tests", "--copier", copier)
    assert outcome.code == 0, outcome.text
    assert log.read_text().split() == ["started", "rendered", "rendered", "rendered"]
