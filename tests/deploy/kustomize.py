"""What an overlay becomes: built here as Kustomize does, for machines that have no Kustomize.

Only what the template's kustomizations use is known; anything else is an error, so that nothing is
passed over. Where a Kustomize is at hand, a test holds both results equal.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.matrix.rendering import Rendering

OVERLAYS = ("staging", "production")
Object = dict[str, Any]

# The name of a generated ConfigMap ends in a hash of its content.
GENERATED = re.compile(r"\b(settings)-[a-z0-9]{10}\b")


class BuildError(Exception):
    """A kustomization says something that cannot be followed, or is not known here."""


def overlays(rendering: Rendering) -> dict[str, Path]:
    """Return the folders of the overlays of a service."""
    return {name: rendering.directory / "deploy/kubernetes/overlays" / name for name in OVERLAYS}


def build(directory: Path) -> list[Object]:
    """Return the objects of a kustomization, with generated names as they were before the hash."""
    steps: dict[str, Callable[[list[Object], Any, Path], None]] = {
        "resources": _resources,
        "configMapGenerator": _config_maps,
        "patches": _patches,
        "labels": _labels,
        "namespace": _namespace,
        "images": _images,
    }
    kustomization = yaml.safe_load((directory / "kustomization.yaml").read_text("utf-8"))
    if unknown := kustomization.keys() - {"apiVersion", "kind", *steps}:
        raise BuildError(f"not known here: {unknown}")
    objects: list[Object] = []
    for name, step in steps.items():
        if name in kustomization:
            step(objects, kustomization[name], directory)
    return objects


def build_by_kustomize(directory: Path) -> list[Object] | None:
    """Return what a real Kustomize makes of it; None where there is none that is new enough."""
    kubectl = shutil.which("kubectl")
    if not kubectl:
        return None
    said = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True)
    version = re.search(r"Kustomize Version: v(\d+)", said.stdout)
    if not version or int(version[1]) < 5:
        return None
    done = subprocess.run(
        [kubectl, "kustomize", str(directory)], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(GENERATED.sub(r"\1", done.stdout)))


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Yield each object that makes pods, by its name, with its pod template."""
    for each in objects:
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "containers" in spec.get("template", {}).get("spec", {}):
            yield f"{each['kind']}/{each['metadata']['name']}", spec["template"]


def _resources(objects: list[Object], names: list[str], directory: Path) -> None:
    for name in names:
        path = directory / name
        if path.is_dir():
            objects += build(path)
        elif path.is_file():
            objects += yaml.safe_load_all(path.read_text("utf-8"))
        else:
            raise BuildError(f"{name} is not there")


def _config_maps(objects: list[Object], generators: list[Object], directory: Path) -> None:
    for generator in generators:
        data: dict[str, str] = {}
        for name in generator["envs"]:
            lines = (directory / name).read_text("utf-8").splitlines()
            data |= dict(line.split("=", 1) for line in lines if line and line[0] != "#")
        metadata = {"name": generator["name"]}
        objects.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        )


def _patches(objects: list[Object], patches: list[Object], directory: Path) -> None:
    for patch in patches:
        target = patch["target"]
        found = [
            each
            for each in objects
            if (each["kind"], each["metadata"]["name"]) == (target["kind"], target["name"])
        ]
        if not found:
            raise BuildError(f"a patch names {target}, which is not there")
        for each in found:
            for operation in yaml.safe_load(patch["patch"]):
                _replace(each, operation)


def _replace(changed: Object, operation: Object) -> None:
    *parents, last = operation["path"].strip("/").split("/")
    place = changed
    for parent in parents:
        place = place.get(parent, {})
    if operation["op"] != "replace" or last not in place:
        raise BuildError(f"nothing to replace at {operation['path']}")
    place[last] = operation["value"]


def _labels(objects: list[Object], labels: list[Object], directory: Path) -> None:
    for each in labels:
        if each.keys() != {"pairs", "includeTemplates"}:
            raise BuildError(f"not known here: {each}")
        jobs = [one["spec"]["jobTemplate"] for one in objects if one["kind"] == "CronJob"]
        for changed in (*objects, *jobs, *(template for _, template in pods(objects))):
            changed.setdefault("metadata", {}).setdefault("labels", {}).update(each["pairs"])


def _namespace(objects: list[Object], namespace: str, directory: Path) -> None:
    for each in objects:
        each["metadata"]["name" if each["kind"] == "Namespace" else "namespace"] = namespace


def _images(objects: list[Object], images: list[Object], directory: Path) -> None:
    for image in images:
        used = [
            container
            for _, template in pods(objects)
            for container in template["spec"]["containers"]
            if container["image"] == image["name"]
        ]
        if not used:
            raise BuildError(f"nothing runs the image {image['name']}")
        for container in used:
            container["image"] = f"{image['newName']}@{image['digest']}"
