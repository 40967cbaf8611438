"""The manifests of Cloud Run as render.py fills them in."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

IMAGE = f"europe-west1-docker.pkg.dev/my-project/my-service/app@sha256:{'0123456789abcdef' * 4}"
JOBS = {
    "migrate.yaml": ["-m", "app", "db", "upgrade"],
    "rotate-keys.yaml": ["-m", "app", "keys", "rotate", "--if-due"],
    "clean-up.yaml": ["-m", "app", "db", "clean"],
}


def render(service: Path, directory: Path, image: str = IMAGE) -> str:
    """Run render.py; return what it says against its input, nothing when it has written."""
    command = [sys.executable, "deploy/cloud-run/render.py", image, str(directory)]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stderr), done
    return done.stderr


def manifests(service: Path, directory: Path) -> dict[str, Manifest]:
    """Return the manifests by the names of their files."""
    assert render(service, directory) == ""
    return {path.name: yaml.safe_load(path.read_text("utf-8")) for path in directory.iterdir()}


def specification(manifest: Manifest) -> Manifest:
    """Return what a manifest says about its one container: volumes, account and the container."""
    spec: Manifest = manifest["spec"]["template"]["spec"]
    return spec["template"]["spec"] if "template" in spec else spec


def container(manifest: Manifest) -> Manifest:
    """Return the one container of a manifest."""
    (only,) = specification(manifest)["containers"]
    found: Manifest = only
    return found


def annotations(manifest: Manifest) -> dict[str, str]:
    """Return the annotations of the revision or execution that a manifest makes."""
    found: dict[str, str] = manifest["spec"]["template"]["metadata"]["annotations"]
    return found


def secret_versions(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield each secret that a manifest reads, with its version."""
    for variable in container(manifest)["env"]:
        if "valueFrom" in variable:
            reference = variable["valueFrom"]["secretKeyRef"]
            yield reference["name"], reference["key"]
    for volume in specification(manifest)["volumes"]:
        for item in volume["secret"]["items"]:
            yield volume["secret"]["secretName"], item["key"]
