"""The weekly workflow of a service: its two scripts run for real, against a bare remote."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.hooks.services import Service, git

pytestmark = pytest.mark.heavy  # each renders or updates a whole service

CHANGELOG = """\
# Changelog

## 0.9.1 (2026-12-01)

### Security

#### A mounted app was not asked for a token
- Affected: before 0.9.1
- Files: app/auth/guard.py
- Action: update; then look for requests to mounts in the access log.
"""
PLAIN = "# Changelog\n\n## 0.9.1 (2026-12-01)\n\n### Fixed\n- A word.\n"
# `uv run --no-sync WORDS` runs them here; any other use is the service's own checks, or a lock.
UV = """\
#!/bin/sh
if [ "$1 $2" = "run --no-sync" ]; then shift 2; exec "$@"; fi
if [ "$1 $2 $3" = "run poe check" ]; then exit "${CHECKS:-0}"; fi
exit 0
"""
# Notes its words; a body is noted by its text, since the file is gone later.
GH = f"""\
#!{sys.executable}
import json, os, pathlib, sys
words = sys.argv[1:]
if "--body-file" in words:
    place = words.index("--body-file") + 1
    words[place] = pathlib.Path(words[place]).read_text()
with open(os.environ["GH_LOG"], "a") as log:
    log.write(json.dumps(words) + "\\n")
"""
FIX = "# the fix\n"


@dataclass
class Scene:
    """A template with a new release, a service made from the one before, and its remote."""

    folder: Path
    template: Path
    service: Service

    @property
    def remote(self) -> Path:
        """The bare repository that stands for GitHub's."""
        return self.folder / "remote.git"

    def job(self, name: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the script's step of a job, as the workflow words it, in a checkout of its own."""
        checkout = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        git(self.folder, "clone", "--quiet", str(self.remote), str(checkout))
        workflow = yaml.safe_load(self.service.read(".github/workflows/update-from-template.yml"))
        steps = [step.get("run", "") for step in workflow["jobs"][name]["steps"]]
        (step,) = [step for step in steps if "update_from_template" in step]
        temporary = self.folder / "runner"
        temporary.mkdir(exist_ok=True)
        tools = f"{self.folder / 'tools'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        places = {
            "RUNNER_TEMP": str(temporary),
            "GITHUB_OUTPUT": str(temporary / "output"),
            "GH_LOG": str(self.folder / "gh.log"),
        }
        return subprocess.run(
            ["bash", "-e", "-c", step],  # noqa: S607 - what runs a step on GitHub
            cwd=checkout, env={**os.environ, "PATH": tools, "BASE_BRANCH": "main", **places, **env},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def both(self, **env: str) -> None:
        """Run both jobs, which must succeed."""
        for name in ("prepare", "propose"):
            done = self.job(name, **env)
            assert done.returncode == 0, done.stdout + done.stderr

    def said(self) -> list[list[str]]:
        """Return the words of each call of GitHub's command line."""
        log = self.folder / "gh.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def request(self) -> dict[str, str]:
        """Return the options of the one pull request."""
        (words,) = [words for words in self.said() if words[:2] == ["pr", "create"]]
        return dict(zip(words[2::2], words[3::2], strict=True))

    def status(self) -> dict[str, str]:
        """Return the fields of the one commit status."""
        (words,) = [words for words in self.said() if words[0] == "api"]
        return dict(word.split("=", 1) for word in words if re.match(r"[a-z]+=", word))

    def branches(self) -> set[str]:
        """Return the branches of the remote."""
        return set(git(self.remote, "branch", "--format", "%(refname:short)").split())

    def file(self, branch: str, path: str) -> str:
        """Return a file as a branch of the remote has it."""
        return git(self.remote, "show", f"{branch}:{path}")


def make(released: Path, pristine: Path, folder: Path) -> Scene:
    """Make a service at 0.9.0 and a template at 0.9.1, which closes a weakness."""
    scene = Scene(folder, folder / "template", Service(folder / "service"))
    shutil.copytree(released, scene.template)
    shutil.copytree(pristine, scene.service.root)
    release(scene, CHANGELOG)
    scene.service.replace(".copier-answers.yml", str(released), str(scene.template))
    (folder / "tools").mkdir()
    for name, text in {"uv": UV, "gh": GH}.items():
        (folder / "tools" / name).write_text(text)
        (folder / "tools" / name).chmod(0o755)
    return scene


@pytest.fixture
def scene(released: Path, pristine: Path, tmp_path: Path) -> Scene:
    """A service whose update is not prepared yet."""
    return make(released, pristine, tmp_path)


@pytest.fixture(scope="module")
def updated(released: Path, pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A service whose first job is through; no test changes it."""
    scene = make(released, pristine, tmp_path_factory.mktemp("updated"))
    scene.service.append("app/scopes.py", "# mine\n")
    publish(scene)
    done = scene.job("prepare")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (scene.folder / "runner/output").read_text() == "proposal=true\n"
    return scene


@pytest.fixture
def prepared(updated: Scene, tmp_path: Path) -> Scene:
    """A copy of that service, for the second job."""
    folder = tmp_path / "copy"
    shutil.copytree(updated.folder, folder)
    return Scene(folder, folder / "template", Service(folder / "service"))


def release(scene: Scene, changelog: str) -> None:
    """Make 0.9.1 of the template: a line more in the guard, and a changelog."""
    guard = scene.template / "template/app/auth/guard.py"
    first, rest = guard.read_text("utf-8").split("\n", 1)
    guard.write_text(f"{first}\n{FIX}{rest}")
    (scene.template / "CHANGELOG.md").write_text(changelog)
    git(scene.template, "add", "--all")
    git(scene.template, "commit", "--quiet", "--message", "0.9.1")
    git(scene.template, "tag", "--force", "0.9.1")


def publish(scene: Scene) -> None:
    """Push the service, as it lies there, to its remote."""
    scene.service.commit()
    git(scene.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(scene.remote))
    git(scene.service.root, "push", "--quiet", str(scene.remote), "main")


BRANCH = "template-update/0.9.1"


def test_a_release_becomes_a_branch_and_a_pull_request(prepared: Scene) -> None:
    assert prepared.job("propose").returncode == 0
    assert prepared.branches() == {"main", BRANCH}
    assert FIX in prepared.file(BRANCH, "app/auth/guard.py")
    assert FIX not in prepared.file("main", "app/auth/guard.py")
    assert prepared.file(BRANCH, "app/scopes.py").endswith("# mine\n")
    assert prepared.request()["--head"] == BRANCH
    assert prepared.request()["--base"] == "main"


def test_the_status_is_on_the_commit_that_was_pushed(prepared: Scene) -> None:
    prepared.job("propose")
    assert prepared.status()["state"] == "success"
    head = git(prepared.remote, "rev-parse", BRANCH).strip()
    (words,) = [words for words in prepared.said() if words[0] == "api"]
    assert f"repos/{{owner}}/{{repo}}/statuses/{head}" in words


def test_a_security_release_says_why_it_matters(prepared: Scene) -> None:
    prepared.job("propose")
    request = prepared.request()
    assert request["--title"] == "Security: update the template from 0.9.0 to 0.9.1"
    first = request["--body-file"].splitlines()[0]
    assert "a weakness that the release closes" in first
    assert "A mounted app was not asked for a token" in request["--body-file"]
    assert "look for requests to mounts" in request["--body-file"]


def test_any_other_release_raises_no_alarm(scene: Scene) -> None:
    (scene.template / "CHANGELOG.md").write_text(PLAIN)
    git(scene.template, "commit", "--all", "--quiet", "--amend", "--message", "0.9.1")
    git(scene.template, "tag", "--force", "0.9.1")
    publish(scene)
    scene.both()
    assert scene.request()["--title"] == "Update the template from 0.9.0 to 0.9.1"
    assert "weakness that" not in scene.request()["--body-file"]


def test_conflicts_make_it_red_and_stand_on_the_branch(scene: Scene) -> None:
    first, rest = scene.service.read("app/auth/guard.py").split("\n", 1)
    scene.service.write("app/auth/guard.py", f"{first}\n# mine\n{rest}")
    publish(scene)
    scene.both()
    assert scene.status()["state"] == "failure"
    assert "conflicts" in scene.status()["description"]
    body = scene.request()["--body-file"]
    assert "Not ready: files have conflicts" in body
    assert "app/auth/guard.py" in body
    conflict = scene.file(BRANCH, "app/auth/guard.py")
    assert "<<<<<<<" in conflict
    assert "# mine\n" in conflict
    assert FIX in conflict


def test_failing_checks_make_it_red(scene: Scene) -> None:
    publish(scene)
    scene.both(CHECKS="1")
    assert scene.status()["state"] == "failure"
    assert "the service's checks fail" in scene.request()["--body-file"]


def test_without_a_newer_release_nothing_happens(scene: Scene) -> None:
    git(scene.template, "tag", "--delete", "0.9.1")
    publish(scene)
    done = scene.job("prepare")
    assert done.returncode == 0
    assert (scene.folder / "runner/output").read_text() == "proposal=false\n"


def test_what_people_did_on_the_branch_is_left_alone(prepared: Scene) -> None:
    theirs = git(prepared.remote, "rev-parse", "main").strip()
    git(prepared.remote, "update-ref", f"refs/heads/{BRANCH}", theirs)
    assert prepared.job("propose").returncode == 0
    assert git(prepared.remote, "rev-parse", BRANCH).strip() == theirs
    assert prepared.said() == []


def test_an_update_that_cannot_be_made_is_a_red_run(scene: Scene) -> None:
    publish(scene)
    shutil.rmtree(scene.template)
    assert scene.job("prepare").returncode not in {0, 1}
    assert not (scene.folder / "runner/update/plan.json").exists()


@pytest.mark.parametrize("forgery", ["another parent", "one commit more", "another commit"])
def test_the_first_job_cannot_push_what_it_likes(prepared: Scene, forgery: str) -> None:
    artifact = prepared.folder / "runner/update"
    plan: dict[str, Any] = json.loads((artifact / "plan.json").read_text())
    clone = prepared.folder / "clone"
    git(prepared.folder, "clone", "--quiet", str(prepared.remote), str(clone))
    git(clone, "fetch", "--quiet", str(artifact / "update.bundle"), "HEAD")
    git(clone, "checkout", "--quiet", "--orphan" if forgery == "another parent" else "--detach",
        *(["evil"] if forgery == "another parent" else ["FETCH_HEAD"]))  # fmt: skip
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "evil")
    git(clone, "bundle", "create", "--quiet", str(artifact / "update.bundle"), "HEAD")
    if forgery == "one commit more":
        plan["head"] = git(clone, "rev-parse", "HEAD").strip()
    (artifact / "plan.json").write_text(json.dumps(plan))
    done = prepared.job("propose")
    assert done.returncode == 1
    assert "not one commit on its base" in done.stderr
    assert prepared.branches() == {"main"}
    assert prepared.said() == []


def test_a_token_without_the_right_to_push_workflows_is_explained(prepared: Scene) -> None:
    hook = prepared.remote / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'refusing to allow an app to update workflow' >&2\nexit 1\n")
    hook.chmod(0o755)
    done = prepared.job("propose")
    assert done.returncode == 1
    assert "TEMPLATE_UPDATE_TOKEN" in done.stderr
    assert prepared.said() == []


def test_the_job_that_runs_new_code_has_no_right_and_no_secret(service: Service) -> None:
    text = service.read(".github/workflows/update-from-template.yml")
    jobs = yaml.safe_load(text)["jobs"]
    assert "permissions" not in jobs["prepare"], "the workflow's: contents read"
    assert "secrets." not in json.dumps(jobs["prepare"])
    assert "token" not in json.dumps(jobs["prepare"])
    runs = [step["run"] for step in jobs["propose"]["steps"] if "run" in step]
    assert len(runs) == 1, "no other command runs beside the right to write"
    assert "vars.TEMPLATE_UPDATES == 'true'" in jobs["prepare"]["if"]
