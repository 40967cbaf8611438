"""Databases outlive updates: those of old releases, and migrations of both sides in any order."""

import asyncio
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.matrix.questions import ROOT
from tests.matrix.servers import shared_postgres
from tests.updates import team
from tests.updates.living import KEPT, Living
from tests.updates.scratch import Origin, commit, make_service, update
from tools.releases import Release, recorded

pytestmark = pytest.mark.heavy
VERSIONS = "migrations/auth_versions"
MakeDatabase = Callable[[Path], str]
_numbers = itertools.count()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeDatabase]:
    """Make an empty database, for a service whose harness can start a server."""
    opened = []

    def make(service: Path) -> str:
        if request.param == "sqlite":
            return f"sqlite+aiosqlite:///{tmp_path}/{next(_numbers)}.db"
        context = shared_postgres(service)
        found = context.__enter__()
        opened.append((context, found))
        if not found:
            reason = "no PostgreSQL: neither TEST_POSTGRES_URL nor a server on this machine"
            (pytest.fail if os.environ.get("REQUIRE_REAL_SERVICES") else pytest.skip)(reason)
        name = f"gatehouse_{os.getpid()}_{next(_numbers)}"
        asyncio.run(_execute(found["TEST_POSTGRES_URL"], f'CREATE DATABASE "{name}"'))
        url = make_url(found["TEST_POSTGRES_URL"])
        url = url.set(drivername="postgresql+asyncpg", database=name)
        return url.render_as_string(hide_password=False)

    yield make
    for context, _ in opened:
        context.__exit__(None, None, None)


@pytest.mark.parametrize("release", recorded(ROOT), ids=lambda release: release.version)
def test_accounts_sessions_and_rows_of_an_old_release_live_on(
    release: Release, make_database: MakeDatabase, released: Origin, tmp_path: Path
) -> None:
    service = make_service(released, tmp_path / "service", release.version)
    living = Living(tmp_path, make_database(service))
    living.make(service)
    assert update(service).code == 0
    answers = living.check(service)
    assert {name: answers[name] for name in KEPT} == KEPT


def migrate(service: Path, url: str, *words: str) -> None:
    """Run a command of the service that changes its database."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "SECRET_KEY": "Kx3vQm8ZrT1wYb6NcJ5hLd0sGfP2uE7aVt9iRo4k",
    }
    done = subprocess.run(
        [sys.executable, "-m", "app", "db", *words],
        cwd=service,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def walk(service: Path, url: str, *steps: str) -> None:
    """Go down to each of some revisions, or up where it is "heads", in one process."""
    program = (
        "import sys\nfrom alembic import command\n"
        "from tests.auth.support.migrations import config_for\n"
        "url, *steps = sys.argv[1:]\n"
        "for step in steps:\n"
        "    go = command.upgrade if step == 'heads' else command.downgrade\n"
        "    go(config_for(url), step)\n"
    )
    words = [sys.executable, "-c", program, url, *steps]
    done = subprocess.run(words, cwd=service, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def release_with_a_migration(origin: Origin) -> None:
    """Release a template whose auth branch has one more migration."""
    folder = origin.path / "template" / VERSIONS
    text = "".join(file.read_text("utf-8") for file in sorted(folder.glob("*.py")))
    revisions = set(re.findall(r'^revision(?:: str)? = "(\w+)"', text, re.MULTILINE))
    below = set(re.findall(r'^down_revision(?:: [^=]+)? = "(\w+)"', text, re.MULTILINE))
    (last,) = revisions - below
    (folder / "auth_9001_notes.py").write_text(
        "# Owned by the Gatehouse template: updated by copier update, see ownership.toml.\n"
        '"""Notes."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f'revision = "auth_9001"\ndown_revision = "{last}"\n'
        "branch_labels = None\ndepends_on = None\n\n\n"
        'def upgrade() -> None:\n    """Make the table."""\n'
        '    op.create_table("auth_note", sa.Column("id", sa.Uuid(), primary_key=True))\n\n\n'
        'def downgrade() -> None:\n    """Drop it."""\n    op.drop_table("auth_note")\n'
    )
    origin.release("99.1.0")


def write_own_migration(service: Path) -> None:
    """Add the team's migration."""
    file = service / "migrations/app_versions/app_0002_reports.py"
    file.write_text(team.MIGRATION, "utf-8")
    commit(service, "Our migration")


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_migrations_of_both_sides_apply_in_either_order_up_and_down(
    first: str, make_database: MakeDatabase, origin: Origin, tmp_path: Path
) -> None:
    service = make_service(origin, tmp_path / "service", answers={"jwt_algorithm": "HS256"})
    living = Living(tmp_path, make_database(service))
    living.make(service)
    release_with_a_migration(origin)
    steps = [write_own_migration, _update]
    for step in steps if first == "ours" else reversed(steps):
        step(service)
        migrate(service, living.database_url, "upgrade")
    walk(service, living.database_url, "app@-1", "auth@-1", "heads", "auth@-1", "app@-1", "heads")
    answers = living.check(service)
    assert {name: answers[name] for name in KEPT} == KEPT


def _update(service: Path) -> None:
    outcome = update(service)
    assert outcome.code == 0, outcome.text
    commit(service, "Update")
