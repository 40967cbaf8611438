"""What teams do to a service: everything here is theirs, and an update must leave it alone."""

from collections.abc import Callable
from pathlib import Path

from tests.updates.scratch import commit

ROUTER = '''\
"""Reports, a router of our own."""

from app.auth import APIRouter, CurrentUser, requires

router = APIRouter(prefix="/reports", tags=["reports"])


@router.get("", dependencies=[requires("reports:read")])
async def list_reports(user: CurrentUser) -> list[str]:
    """Return the names of the reports that this account may read."""
    return [str(user.account_id)]
'''
MODEL = '''\
"""Reports."""

from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base


class Report(Base):
    """One report of one account."""

    __tablename__ = "report"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
'''
MIGRATION = '''\
"""Reports.

Revision ID: app_0002
Revises: app_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "app_0002"
down_revision = "app_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "account_id", sa.Uuid(), sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("name", sa.String(80), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("report")
'''
NEIGHBOUR = '''\
"""Our own login page, beside the template's files."""

GREETING = "hello"
'''
BELOW = "---- yours below ----"


def _append(path: str, text: str) -> Callable[[Path], None]:
    def change(service: Path) -> None:
        file = service / path
        file.write_text(file.read_text("utf-8") + text, "utf-8")

    return change


def _write(path: str, text: str) -> Callable[[Path], None]:
    def change(service: Path) -> None:
        file = service / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    return change


def _delete(*paths: str) -> Callable[[Path], None]:
    def change(service: Path) -> None:
        for path in paths:
            (service / path).unlink()

    return change


def _replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(service: Path) -> None:
        file = service / path
        text = file.read_text("utf-8")
        assert old in text, f"{path} lacks {old!r}"
        file.write_text(text.replace(old, new, 1), "utf-8")

    return change


def _reformat(service: Path) -> None:
    """Write our own files in another style, as a formatter with other settings does."""
    for name in ("app/settings.py", "tests/conftest.py"):
        file = service / name
        file.write_text(file.read_text("utf-8").replace("    ", "\t"), "utf-8")


SCOPE = '    "reports:read": "Read your reports.",\n'
# One entry for each habit that the update must survive.
HABITS: dict[str, Callable[[Path], None]] = {
    "own router": _write("app/api/reports.py", ROUTER),
    "the router is mounted": _replace(
        "app/main.py",
        "protected=[items.router]",
        "protected=[items.router, reports.router]",
    ),
    "and imported": _replace("app/main.py", "import items", "import items, reports"),
    "own model": _write("app/models/report.py", MODEL),
    "own migration": _write("migrations/app_versions/app_0002_reports.py", MIGRATION),
    "own scope": _replace("app/scopes.py", "}", SCOPE + "}"),
    "own setting": _append("app/settings.py", "\n    report_limit: int = 10\n"),
    "own dependency": _replace(
        "pyproject.toml", f"  # {BELOW}\n]", f'  # {BELOW}\n  "idna>=3",\n]'
    ),
    "own lint rule": _append("pyproject.toml", "\n[tool.our-linter]\nstrict = true\n"),
    "own environment": _append(".env.example", "# Reports on a page.\nREPORT_LIMIT=10\n"),
    "own ignored files": _append(".gitignore", "exports/\n"),
    "own README": _write("README.md", "# Ours\n"),
    "deleted guide": _delete("AGENTS.md"),
    "deleted example tests": _delete("tests/app/test_items.py"),
    "reformatted files": _reformat,
    "own module inside app/auth": _write("app/auth/company_login.py", NEIGHBOUR),
    "own package beside app/auth": _write("app/authorization/__init__.py", NEIGHBOUR),
    "own Dockerfile lines": _append("Dockerfile", "# our own lines\n"),
    "compose override": _write("compose.override.yaml", "services: {}\n"),
}


def work(service: Path, *, keep_example: bool = False) -> dict[str, bytes]:
    """Change a service the way teams do, commit it, and return what must survive, by path.

    Args:
        service: where it lies.
        keep_example: leave the example and its tests there.
    """
    before = contents(service)
    for name, change in HABITS.items():
        if name == "own Dockerfile lines" and not (service / "Dockerfile").exists():
            continue
        if keep_example and name in {"deleted example tests", "reformatted files"}:
            continue
        change(service)
    commit(service, "A year of work")
    after = contents(service)
    return {path: text for path, text in after.items() if before.get(path) != text}


def contents(directory: Path) -> dict[str, bytes]:
    """Return every file below a directory, git's own apart."""
    return {
        file.relative_to(directory).as_posix(): file.read_bytes()
        for file in sorted(directory.rglob("*"))
        if file.is_file() and ".git" not in file.relative_to(directory).parts
    }
