"""What a Kubernetes deployment leads to: flows, names, settings, and the order of a rollout."""

import copy
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.fake_programs import put_on_path
from tests.deploy.kustomize import Object, overlays, pods
from tests.deploy.network import dangling, flows, of_kind
from tests.deploy.production import SECRETS, ask_settings
from tests.matrix.rendering import Rendering

DNS = {("out", "kube-system k8s-app=kube-dns", "UDP 53")}
DNS |= {("out", "kube-system k8s-app=kube-dns", "TCP 53")}
FLOWS = DNS | {
    ("in", "ingress", "TCP 8000"),
    ("out", "10.30.0.10/32", "TCP 5432"),
    ("out", "203.0.113.25/32", "TCP 587"),
}
REDIS = {("out", "10.30.0.11/32", "TCP 6379")}


def test_nothing_comes_in_or_goes_out_but_what_is_named(built: dict[str, list[Object]]) -> None:
    for name, objects in built.items():
        everything = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        policies = of_kind(objects, "NetworkPolicy")
        assert everything in [policy["spec"] for policy in policies], name
        assert set(flows(objects)) == FLOWS | (REDIS if "revocation=redis" in name else set())


@pytest.mark.parametrize("part", ["to", "ports"])
def test_a_flow_to_everywhere_is_seen(part: str, built: dict[str, list[Object]]) -> None:
    objects = copy.deepcopy(next(iter(built.values())))
    for policy in of_kind(objects, "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            rule.pop(part)
    assert not set(flows(objects)) <= FLOWS | REDIS


def test_every_name_that_is_said_exists(built: dict[str, list[Object]]) -> None:
    for name, objects in built.items():
        assert [*dangling(objects)] == [], name


@pytest.mark.parametrize(
    "kind", ["ServiceAccount", "ConfigMap", "ExternalSecret", "Service", "Deployment"]
)
def test_a_name_that_is_gone_is_found(kind: str, built: dict[str, list[Object]]) -> None:
    objects = next(iter(built.values()))
    assert [*dangling([each for each in objects if each["kind"] != kind])]


def test_the_service_starts_in_production_with_these_settings(
    on_kubernetes: list[Rendering],
    built: dict[str, list[Object]],
    tmp_path: Path,
) -> None:
    environments = iter(built.items())
    for service in on_kubernetes:
        for overlay in overlays(service):
            name, objects = next(environments)
            (external,) = of_kind(objects, "ExternalSecret")
            keys = [entry["secretKey"] for entry in external["spec"]["data"]]
            container = dict(pods(objects))["Deployment/api"]["spec"]["containers"][0]
            variables = {one["name"]: one["value"] for one in container["env"]}
            assert variables.pop("SECRETS_DIR") == container["volumeMounts"][0]["mountPath"]
            variables |= of_kind(objects, "ConfigMap")[0]["data"]
            files = tmp_path / service.directory.name / overlay
            files.mkdir(parents=True)
            found = ask_settings(
                service.directory, variables, {key: SECRETS[key] for key in keys}, files
            )
            assert (found["findings"], found["unknown"]) == ([], []), name
            assert found["secrets"] == [SECRETS["SECRET_KEY"], SECRETS["SECRET_KEY_PREVIOUS"]]
            probes = [
                container[f"{kind}Probe"]["httpGet"]
                for kind in ("startup", "readiness", "liveness")
            ]
            assert {probe["httpHeaders"][0]["value"] for probe in probes} <= set(found["hosts"])


def seconds(service: Rendering) -> dict[str, int]:
    """Return how long each step of a stop may take."""
    command = re.search(r'"--timeout-graceful-shutdown", "(\d+)"', service.read("Dockerfile"))
    background = re.search(
        r"STOP_WITHIN = timedelta\(seconds=(\d+)\)", service.read("app/auth/background.py")
    )
    assert command
    assert background
    return {"uvicorn": int(command[1]), "background": int(background[1])}


def test_a_pod_has_time_to_stop(
    on_kubernetes: list[Rendering], built: dict[str, list[Object]]
) -> None:
    for objects in built.values():
        spec = dict(pods(objects))["Deployment/api"]["spec"]
        waits = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        needed = waits + sum(seconds(on_kubernetes[0]).values())
        assert needed + 5 <= spec["terminationGracePeriodSeconds"]


KUBECTL = """
case "$*" in
  *"wait --for"*) exit "${MIGRATION:-0}" ;;
esac
"""


@pytest.mark.parametrize("migration", [0, 1])
def test_the_new_version_waits_for_its_migrations(
    migration: int,
    on_kubernetes: list[Rendering],
    tmp_path: Path,
) -> None:
    environment, calls = put_on_path(tmp_path, kubectl=KUBECTL)
    script = on_kubernetes[0].directory / "deploy/kubernetes/deploy.sh"
    command: list[Any] = [script, "production"]
    done = subprocess.run(
        command,
        env={**environment, "MIGRATION": str(migration)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == migration, done.stderr
    verbs = [re.sub(r"--kustomize \S+/", "--kustomize ", call) for call in calls()]
    inside = "kubectl --namespace my-service"
    before = [
        f"{inside} delete job migrate --ignore-not-found --wait",
        "kubectl apply --kustomize production --selector app.kubernetes.io/component!=api",
        f"{inside} wait --for=condition=complete --timeout=610s job/migrate",
    ]
    after = [
        "kubectl apply --kustomize production",
        f"{inside} rollout status deployment/api --timeout=300s",
    ]
    failed = [f"{inside} logs job/migrate --tail=50"]
    assert verbs == before + (failed if migration else after)
