"""The validators: which files each reads, how it is called, and a fault that it must find."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tests.deploy.programs import actionlint, checkov, program
from tests.matrix.rendering import Rendering

COMPOSE = "deploy/docker-compose/compose*.yaml"
WORKFLOWS = ".github/workflows/*.yml"
YAML_RULES = """{extends: default, rules: {line-length: disable, document-start: disable,
  braces: {max-spaces-inside: 0}, truthy: {check-keys: false},
  comments: {min-spaces-from-content: 1}}}"""


@dataclass(frozen=True)
class Fault:
    """What a validator must find: a text of a file that becomes another."""

    path: str
    good: str
    bad: str


@dataclass(frozen=True)
class Validator:
    """One program that reads files of one kind.

    Attributes:
        name: what people call it.
        program: finds the program, or skips the test.
        patterns: which files of a service it reads; `*` matches slashes too.
        fault: what it must find.
        options: what comes between the program and the files.
        takes_files: whether the files come last on the command line.
        environment: variables on top of this process's own.
    """

    name: str
    program: Callable[[], list[str]]
    patterns: Sequence[str]
    fault: Fault
    options: Sequence[str] = ()
    takes_files: bool = True
    environment: dict[str, str] = field(default_factory=dict)

    def files(self, rendering: Rendering) -> list[str]:
        """Return the paths of a service that this validator reads."""
        return [
            path for path in rendering.files if any(fnmatch(path, each) for each in self.patterns)
        ]

    def complaints(self, directory: Path, files: Sequence[str]) -> str:
        """Return what it says against the files of a service; nothing when it agrees."""
        command = [*self.program(), *self.options, *(files if self.takes_files else ())]
        done = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return f"{done.stdout}{done.stderr} ({done.returncode})" if done.returncode else ""


def _validator(name: str, *patterns: str, fault: Fault, **more: object) -> Validator:
    found = functools.partial(program, name.partition(" ")[0])
    return Validator(name, found, patterns, fault, **more)  # type: ignore[arg-type]


VALIDATORS = [
    _validator(
        "hadolint",
        "Dockerfile",
        fault=Fault("Dockerfile", "USER 10001:10001\n", "USER root\n"),
    ),
    _validator(
        "yamllint",
        ".github/*.yml",
        "deploy/*.yaml",
        fault=Fault(
            ".github/workflows/image.yml", "contents: read", "contents: read\n  contents: write"
        ),
        options=["--strict", "--config-data", YAML_RULES],
    ),
    _validator(
        "shellcheck",
        "deploy/*.sh",
        fault=Fault("deploy/docker-compose/secrets.sh", 'put "$2"', "put $2"),
    ),
    _validator(
        "check-jsonschema compose",
        COMPOSE,
        fault=Fault("deploy/docker-compose/compose.yaml", "cap_drop:", "drop_caps:"),
        options=["--builtin-schema", "vendor.compose-spec"],
    ),
    _validator(
        "check-jsonschema workflows",
        WORKFLOWS,
        fault=Fault(".github/workflows/image.yml", "runs-on:", "runs-one:"),
        options=["--builtin-schema", "vendor.github-workflows"],
    ),
    # It resolves what the schema cannot: anchors, networks, volumes, secrets, dependencies.
    _validator(
        "podman-compose",
        COMPOSE,
        fault=Fault("deploy/docker-compose/compose.yaml", "  certificates:\n", ""),
        # podman itself is not needed to read: anything that answers stands in for it.
        options=[
            *("--podman-path", shutil.which("echo") or "echo"),
            *("--file", "deploy/docker-compose/compose.yaml", "config"),
        ],
        takes_files=False,
    ),
    _validator(
        "caddy",
        "deploy/docker-compose/Caddyfile",
        fault=Fault("deploy/docker-compose/Caddyfile", "dial_timeout", "dail_timeout"),
        options=["validate", "--adapter", "caddyfile", "--config"],
        environment={"DOMAIN": "api.example.com"},
    ),
    _validator(
        "zizmor",
        WORKFLOWS,
        fault=Fault(".github/workflows/image.yml", "persist-credentials: false", "fetch-depth: 1"),
        options=["--offline", "--quiet", "--no-progress"],
    ),
    Validator(
        "actionlint",
        actionlint,
        [WORKFLOWS],
        Fault(".github/workflows/image.yml", "github.ref }}", "github.reff.x }}"),
    ),
]
# It takes seconds to begin, so it reads everything at once, and waits for the longer runs.
HEAVY_VALIDATORS = [
    Validator(
        "checkov",
        checkov,
        ["Dockerfile", ".github/*.yml", "deploy/*"],
        Fault("Dockerfile", "USER 10001:10001\n", ""),
        [
            *("--framework", "dockerfile", "github_actions", "kubernetes", "secrets"),
            # A Kustomize base is no deployment: test_kubernetes.py has it read what is built.
            *("--skip-path", "deploy/kubernetes"),
            *("--quiet", "--compact", "--skip-download", "--directory", "."),
        ],
        takes_files=False,
    ),
]
