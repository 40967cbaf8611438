"""Every check is exported for other projects, and named wherever a service runs its checks."""

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.hooks.secret_cases import api_key
from tests.hooks.services import Service, git
from tests.matrix.questions import ROOT, TEMPLATE

PREK = Path(sys.executable).with_name("prek")
CHECKS = ("check_secrets", "route_auth", "template_drift")
HOOKS = (*CHECKS, "safe_update")
EXPORTED = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


def prek(folder: Path, *words: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run prek, which reads the files of pre-commit, with a cache of its own."""
    search = f"{path}{os.pathsep}{os.environ['PATH']}" if path else os.environ["PATH"]
    environment = {**os.environ, "PREK_HOME": str(folder / ".git/prek"), "PATH": search}
    return subprocess.run(
        [PREK, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH in which `uv run --no-sync` runs its words in this environment."""
    folder = tmp_path / "tools"
    folder.mkdir()
    script = folder / "uv"
    here = Path(sys.executable).parent
    script.write_text(f'#!/bin/sh\nshift 2\nPATH="{here}:$PATH" exec "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


def test_every_hook_is_exported_as_a_script_that_runs() -> None:
    entries = {hook["id"]: hook["entry"].split()[0] for hook in EXPORTED}
    for check in HOOKS:
        assert entries[check.replace("_", "-")] == f"hooks/{check}.py"
        assert (ROOT / "hooks" / f"{check}.py").stat().st_mode & stat.S_IXUSR


def test_the_files_of_pre_commit_are_valid() -> None:
    for words in (
        ["validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")],
        ["validate-config", str(TEMPLATE / ".pre-commit-config.yaml")],
    ):
        done = subprocess.run([PREK, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("check", CHECKS)
def test_a_service_runs_every_check_at_a_commit_in_ci_and_by_hand(
    service: Service, check: str
) -> None:
    command = f"python hooks/{check}.py"
    (local,) = yaml.safe_load(service.read(".pre-commit-config.yaml"))["repos"]
    assert any(command in hook["entry"] for hook in local["hooks"])
    jobs = yaml.safe_load(service.read(".github/workflows/ci.yml"))["jobs"].values()
    steps = [step.get("run", "") for job in jobs for step in job["steps"]]
    assert any(f"hooks/{check}.py" in step for step in steps)
    tasks = tomllib.loads(service.read("pyproject.toml"))["tool"]["poe"]["tasks"]
    names = {name for name, task in tasks.items() if task.get("cmd", "").startswith(command)}
    assert names & {word for word in tasks["check"]["sequence"] if isinstance(word, str)}


def test_a_service_asks_for_newer_releases_by_hand_and_once_a_week(service: Service) -> None:
    (local,) = yaml.safe_load(service.read(".pre-commit-config.yaml"))["repos"]
    (hook,) = [hook for hook in local["hooks"] if "hooks/safe_update.py" in hook["entry"]]
    assert hook["stages"] == ["manual"], "a commit does not wait for the network"
    workflow = service.read(".github/workflows/update-from-template.yml")
    assert ".github/update_from_template.py prepare" in workflow
    assert "hooks/safe_update.py" in service.read(".github/update_from_template.py")


def test_a_commit_in_a_service_is_stopped_by_what_it_would_hold(
    service: Service, tools: Path
) -> None:
    service.commit()
    hooks = ("check-secrets", "template-drift")
    assert prek(service.root, "run", *hooks, path=tools).returncode == 0
    service.write("app/api/notes.md", api_key("user"))
    git(service.root, "add", "--all")
    done = prek(service.root, "run", *hooks, path=tools)
    assert done.returncode == 1
    assert "app/api/notes.md:1: api-key" in done.stdout
    git(service.root, "reset", "--quiet", "--hard")
    git(service.root, "rm", "--quiet", "app/auth/guard.py")
    done = prek(service.root, "run", *hooks, path=tools)
    assert done.returncode == 1
    assert "app/auth/guard.py: deleted" in done.stdout


def test_all_files_of_a_service_can_be_checked_at_once(service: Service, tools: Path) -> None:
    service.write("app/api/notes.md", api_key("user"))
    service.commit()
    done = prek(service.root, "run", "--all-files", "check-secrets", path=tools)
    assert "app/api/notes.md:1: api-key" in done.stdout, "nothing is staged, and all is checked"


def test_another_project_uses_the_exported_hooks(tmp_path: Path) -> None:
    exported = tmp_path / "gatehouse"
    (exported / "hooks").mkdir(parents=True)
    (exported / ".pre-commit-hooks.yaml").write_bytes(
        (ROOT / ".pre-commit-hooks.yaml").read_bytes()
    )
    subprocess.run(["cp", "-R", ROOT / "hooks", exported], check=True)  # noqa: S607 - keeps modes
    other = tmp_path / "other"
    for folder in (exported, other):
        folder.mkdir(exist_ok=True)
        git(folder, "init", "--quiet")
    git(exported, "add", "--all")
    git(exported, "commit", "--quiet", "--message", "a release")
    revision = git(exported, "rev-parse", "HEAD").strip()
    hooks = [{"id": "check-secrets"}]
    config = {"repos": [{"repo": str(exported), "rev": revision, "hooks": hooks}]}
    (other / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (other / "notes.md").write_text(api_key("svc"))
    git(other, "add", "--all")
    done = prek(other, "run")
    assert done.returncode == 1
    assert "notes.md:1: api-key" in done.stdout
