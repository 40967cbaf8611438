"""`copier update` brings the template's files and never touches yours."""

import subprocess
from pathlib import Path

import copier
import pytest

from tests.matrix.rendering import copy_template


def git(directory: Path, *command: str) -> None:
    """Run git with an identity of its own."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    subprocess.run(
        ["git", *identity, "-c", "commit.gpgsign=false", *command],  # noqa: S607 - git is on PATH
        cwd=directory,
        check=True,
        capture_output=True,
    )


def release(template: Path, tag: str) -> None:
    """Commit everything and tag it."""
    git(template, "add", "--all")
    git(template, "commit", "--message", tag)
    git(template, "tag", tag)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy of the template with one release, v1.0.0."""
    directory = copy_template(tmp_path / "template")
    git(directory, "init", "--quiet")
    release(directory, "v1.0.0")
    return directory


def test_an_update_changes_owned_files_and_leaves_yours_alone(
    template: Path, tmp_path: Path
) -> None:
    service = tmp_path / "service"
    settings = copier.Settings()
    copier.run_copy(str(template), service, defaults=True, quiet=True, settings=settings)
    (service / "app" / "scopes.py").write_text("# mine\n")
    (service / "AGENTS.md").unlink()
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--message", "begin")

    for name in ("app/scopes.py", "app/core/clock.py", "AGENTS.md.jinja"):
        path = template / "template" / name
        path.write_text(path.read_text("utf-8") + "# changed by the template\n")
    release(template, "v1.1.0")
    copier.run_update(service, defaults=True, overwrite=True, quiet=True, settings=settings)

    assert (service / "app" / "scopes.py").read_text() == "# mine\n"
    assert not (service / "AGENTS.md").exists()
    assert (service / "app/core/clock.py").read_text().endswith("# changed by the template\n")
    assert "v1.1.0" in (service / ".copier-answers.yml").read_text()
