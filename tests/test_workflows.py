"""The workflows, ours and a service's: valid, pinned, and with no more rights than they need."""

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
# What a job may do beside reading: one, without any dependency in it, writes code scanning results.
MAY_WRITE = {"routes": {"contents": "read", "security-events": "write"}}
PINNED = re.compile(r"uses: [\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def name_of(workflow: Path) -> str:
    """Name a workflow in test results by its path."""
    return workflow.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_actions_are_pinned_to_a_commit_that_names_its_version(workflow: Path) -> None:
    for line in workflow.read_text("utf-8").splitlines():
        if "uses:" in line:
            assert PINNED.search(line), line


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name_of)
def test_a_workflow_may_read_and_write_nothing_but_code_scanning_results(workflow: Path) -> None:
    parsed = yaml.safe_load(workflow.read_text("utf-8"))
    assert parsed["permissions"] == {"contents": "read"}
    for name, job in parsed["jobs"].items():
        assert job.get("permissions", {}) == MAY_WRITE.get(name, {})
        assert job["timeout-minutes"] <= 360


def test_workflows_match_the_schema() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [str(tool), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
