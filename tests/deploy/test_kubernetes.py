"""The Kubernetes overlays: built, valid for old and new clusters, and pods that may do little."""

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.kustomize import BuildError, Object, build, build_by_kustomize, overlays, pods
from tests.deploy.pod_security import weaknesses
from tests.deploy.programs import checkov, program
from tests.matrix.rendering import Rendering

# The oldest that was still mended when this was written, and the newest of the validator.
VERSIONS = ("1.34", "1.37")


def by_name(objects: list[Object]) -> dict[tuple[str, str], Object]:
    """Return objects by kind and name."""
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def test_the_build_here_is_that_of_kustomize(on_kubernetes: list[Rendering]) -> None:
    for service in on_kubernetes:
        for directory in overlays(service).values():
            real = build_by_kustomize(directory)
            if real is None:
                pytest.skip(
                    "no kubectl with Kustomize 5 on this machine: our own build stands alone"
                )
            assert by_name(build(directory)) == by_name(real)


BROKEN = {
    "a file that is not there": ("- namespace.yaml", "- name-space.yaml"),
    "a field that is not known": ("resources:", "resource:"),
    "an image that nothing runs": ("- name: app", "- name: api"),
    "a patch of nothing": ("kind: HorizontalPodAutoscaler", "kind: Autoscaler"),
    "a patch of a field that is not there": ("/spec/minReplicas", "/spec/replicas"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_an_overlay_that_names_what_is_not_there_is_found(
    fault: str, on_kubernetes: list[Rendering], tmp_path: Path
) -> None:
    shutil.copytree(on_kubernetes[0].directory / "deploy/kubernetes", tmp_path / "kubernetes")
    overlay = tmp_path / "kubernetes/overlays/staging"
    file = overlay / "kustomization.yaml"
    good, bad = BROKEN[fault]
    assert good in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace(good, bad), "utf-8")
    with pytest.raises(BuildError):
        build(overlay)


def complaints_of_schema(objects: list[Object], file: Path, version: str) -> str:
    """Return what kubernetes-validate says against objects; nothing when they are valid."""
    file.write_text(yaml.safe_dump_all(objects), "utf-8")
    command = [*program("kubernetes-validate"), "--strict", "-k", version, "--quiet", "--no-warn"]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(
    version: str, built: dict[str, list[Object]], tmp_path: Path
) -> None:
    for name, objects in built.items():
        assert complaints_of_schema(objects, tmp_path / "all.yaml", version) == "", name


def test_a_misspelt_field_is_found(built: dict[str, list[Object]], tmp_path: Path) -> None:
    text = yaml.safe_dump(next(iter(built.values()))).replace("livenessProbe", "livenesProbe")
    assert "livenesProbe" in complaints_of_schema(
        yaml.safe_load(text), tmp_path / "all.yaml", VERSIONS[0]
    )


def test_pods_may_do_no_more_than_restricted_allows(built: dict[str, list[Object]]) -> None:
    for name, objects in built.items():
        templates = dict(pods(objects))
        kinds = ["CronJob/clean-up", "CronJob/rotate-keys", "Deployment/api", "Job/migrate"]
        assert sorted(templates) == kinds, name
        for pod, template in templates.items():
            assert [*weaknesses(template["spec"])] == [], f"{name}: {pod}"
        (namespace,) = [each for each in objects if each["kind"] == "Namespace"]
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def _in_container(**changes: Any) -> Callable[[Object], None]:
    return lambda spec: spec["containers"][0]["securityContext"].update(changes)


WEAKER: dict[str, Callable[[Object], Any]] = {
    "root": lambda spec: spec["securityContext"].update(runAsUser=0),
    "perhaps root": lambda spec: spec["securityContext"].pop("runAsNonRoot"),
    "all system calls": lambda spec: spec["securityContext"].pop("seccompProfile"),
    "a token": lambda spec: spec.pop("automountServiceAccountToken"),
    "everybody's account": lambda spec: spec.pop("serviceAccountName"),
    "names of neighbours": lambda spec: spec.pop("enableServiceLinks"),
    "the node's network": lambda spec: spec.update(hostNetwork=True),
    "the node's files": lambda spec: spec["volumes"].append({"name": "x", "hostPath": {}}),
    "no bounds": lambda spec: spec["containers"][0]["resources"].pop("limits"),
    "nothing kept free": lambda spec: spec["containers"][0]["resources"].pop("requests"),
    "a tag": lambda spec: spec["containers"][0].update(image="app:latest"),
    "escalation": _in_container(allowPrivilegeEscalation=True),
    "capabilities": _in_container(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}),
    "a root that can be written": _in_container(readOnlyRootFilesystem=False),
    "root in the container": _in_container(runAsUser=0),
}


@pytest.mark.parametrize("fault", WEAKER)
def test_a_pod_that_may_do_more_is_found(fault: str, built: dict[str, list[Object]]) -> None:
    spec = copy.deepcopy(dict(pods(next(iter(built.values()))))["Deployment/api"]["spec"])
    WEAKER[fault](spec)
    assert len([*weaknesses(spec)]) == 1


def failed_checks(directory: Path) -> list[str]:
    """Return what checkov finds in manifests, with its identifiers."""
    command = [*checkov(), "--skip-download", "--framework", "kubernetes", "-o", "json"]
    done = subprocess.run(
        [*command, "-d", str(directory)], capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 50, report["summary"]
    assert not report["summary"]["skipped"], "no check is silenced"
    return [f"{one['check_id']} {one['resource']}" for one in report["results"]["failed_checks"]]


@pytest.mark.heavy
@pytest.mark.every_combination
def test_checkov_finds_nothing_but_a_planted_fault(
    built: dict[str, list[Object]], tmp_path: Path
) -> None:
    sound, weak = tmp_path / "sound", tmp_path / "weak"
    for directory in (sound, weak):
        directory.mkdir()
    # Overlays share most of their objects; each is read once.
    objects = {yaml.safe_dump(each) for overlay in built.values() for each in overlay}
    for number, text in enumerate(sorted(objects)):
        (sound / f"{number}.yaml").write_text(text, "utf-8")
    assert failed_checks(sound) == []
    planted = yaml.safe_dump_all(next(iter(built.values())))
    planted = planted.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", 1)
    (weak / "0.yaml").write_text(planted, "utf-8")
    (found,) = failed_checks(weak)
    assert found.startswith("CKV_K8S_22 ")
