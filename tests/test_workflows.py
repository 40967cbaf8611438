"""The workflows, ours and a service's: valid, pinned, and with no more rights than they need."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.matrix.questions import ROOT, TEMPLATE

WORKFLOWS = sorted(
    [*(ROOT / ".github/workflows").iterdir(), *(TEMPLATE / ".github/workflows").iterdir()]
)
# What a job may do beside reading, if no dependency and no new code runs in it: one writes code
# scanning results, one pushes a prepared commit and opens the pull request for it.
MAY_WRITE = {
    "routes": {"contents": "read", "security-events": "write"},
    "propose": {"contents": "write", "pull-requests": "write", "statuses": "write"},
    "deploy": {"contents": "read", "id-token": "write"},
}
BIN = Path(sys.executable).parent
SCHEMA = (str(BIN / "check-jsonschema"), "--builtin-schema")
ZIZMOR = (str(BIN / "zizmor"), "--offline", "--quiet", "--no-progress")
WORKFLOW_SCHEMA = (*SCHEMA, "vendor.github-workflows")
RENOVATE = TEMPLATE / "renovate.json"
PINNED = re.compile(r"uses: [\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def name_of(workflow: Path) -> str:
    """Name a workflow in test results by its path."""
    return workflow.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_actions_are_pinned_to_a_commit_that_names_its_version(workflow: Path) -> None:
    for line in workflow.read_text("utf-8").splitlines():
        if re.search(r"\buses:", line):
            assert PINNED.search(line), line


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_a_workflow_may_write_only_where_nothing_else_runs(workflow: Path) -> None:
    parsed = yaml.safe_load(workflow.read_text("utf-8"))
    assert parsed["permissions"] == {"contents": "read"}
    for name, job in parsed["jobs"].items():
        assert job.get("permissions", {}) == MAY_WRITE.get(name, {})
        assert job["timeout-minutes"] <= 360


def complaints(*command: str | Path) -> str:
    """Run a validator; return what it says against what it was given, nothing when it agrees."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_workflows_match_the_schema() -> None:
    assert complaints(*WORKFLOW_SCHEMA, *WORKFLOWS) == ""


def test_an_audit_of_the_workflows_finds_nothing() -> None:
    assert complaints(*ZIZMOR, *WORKFLOWS) == ""


def test_the_configuration_of_renovate_matches_its_schema() -> None:
    assert complaints(*SCHEMA, "vendor.renovate", RENOVATE) == ""


def test_renovate_updates_the_template_by_hand_and_keeps_off_its_files() -> None:
    rules = json.loads(RENOVATE.read_text("utf-8"))["packageRules"]
    (copier,) = [rule for rule in rules if rule.get("matchManagers") == ["copier"]]
    assert copier["automerge"] is False
    (disabled,) = [rule for rule in rules if rule.get("enabled") is False]
    names = {
        f".github/workflows/{each.name}" for each in (TEMPLATE / ".github/workflows").iterdir()
    }
    assert set(disabled["matchFileNames"]) == names


# One fault for each validator, so that none of them passes because it looks at nothing.
FAULTS = {
    "a misspelt key": ("    runs-on:", "    runs-one:", WORKFLOW_SCHEMA),
    "a permission that is none": (
        "  contents: read",
        "  contents: reed",
        (*SCHEMA, "vendor.github-workflows"),
    ),
    "a credential that stays": ("persist-credentials: false", "show-progress: false", ZIZMOR),
    "a right for every job": ("permissions:\n  contents: read", "permissions: write-all", ZIZMOR),
    "an action by its tag": (
        "actions/checkout@8e8c483db84b4bee98b60c0593521ed34d9990e8",
        "actions/checkout@v6",
        ZIZMOR,
    ),
    "a stranger's words in a command": (
        "uv sync --locked",
        "echo ${{ github.event.pull_request.title }}",
        ZIZMOR,
    ),
    "a pull request that meets secrets": ("on:\n", "on:\n  pull_request_target:\n", ZIZMOR),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("workflow", ["ci.yml", "update-from-template.yml"])
def test_each_validator_finds_a_planted_fault(workflow: str, fault: str, tmp_path: Path) -> None:
    good, bad, validator = FAULTS[fault]
    text = (TEMPLATE / ".github/workflows" / workflow).read_text("utf-8")
    assert good in text
    planted = tmp_path / workflow
    planted.write_text(text.replace(good, bad), "utf-8")
    assert complaints(*validator, planted) != ""


def test_a_misspelt_setting_of_renovate_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "renovate.json"
    planted.write_text(
        RENOVATE.read_text("utf-8").replace('"automerge": false', '"automerge": "n"')
    )
    assert complaints(*SCHEMA, "vendor.renovate", planted) != ""
