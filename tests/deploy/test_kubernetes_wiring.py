"""What a Kubernetes deployment leads to: flows, names, settings, and the order of a rollout."""

import copy
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.fake_programs import put_on_path
from tests.deploy.kustomize import Object, overlays, pods
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


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    """Return the objects of one kind."""
    return [each for each in objects if each["kind"] == kind]


def flows(objects: list[Object]) -> Iterator[tuple[str, str, str]]:
    """Yield every flow that the network policies allow: direction, other end, port."""
    for policy in of_kind(objects, "NetworkPolicy"):
        for direction, ends, word in (("ingress", "from", "in"), ("egress", "to", "out")):
            for rule in policy["spec"].get(direction, []):
                # A rule without ends, or without ports, is one for everybody, or for every port.
                for end in rule.get(ends) or [{}]:
                    for port in rule.get("ports") or [{}]:
                        yield word, _end(end), f"{port.get('protocol')} {port.get('port')}"


def _end(end: Object) -> str:
    if "ipBlock" in end:
        return str(end["ipBlock"]["cidr"])
    namespace = end.get("namespaceSelector", {}).get("matchLabels", {})
    labels = end.get("podSelector", {}).get("matchLabels", {})
    words = [namespace.get("kubernetes.io/metadata.name", "anywhere")]
    return " ".join(words + [f"{name}={value}" for name, value in labels.items()])


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


def dangling(objects: list[Object]) -> Iterator[str]:
    """Yield each name that one object says and no other has."""
    names = {(each["kind"], each["metadata"]["name"]) for each in objects}
    names |= {
        ("Secret", each["spec"]["target"]["name"])
        for each in objects
        if "target" in each.get("spec", {})
    }
    said = {
        ("Deployment", each["spec"]["scaleTargetRef"]["name"])
        for each in of_kind(objects, "HorizontalPodAutoscaler")
    }
    labels, ports = [], set[str]()
    for _, template in pods(objects):
        spec = template["spec"]
        said.add(("ServiceAccount", spec["serviceAccountName"]))
        said |= {("Secret", v["secret"]["secretName"]) for v in spec["volumes"] if "secret" in v}
        for container in spec["containers"]:
            said |= {
                ("ConfigMap", source["configMapRef"]["name"]) for source in container["envFrom"]
            }
            ports |= {port["name"] for port in container.get("ports", [])}
        labels.append(template["metadata"]["labels"])
    for each in of_kind(objects, "Ingress"):
        for path in each["spec"]["rules"][0]["http"]["paths"]:
            said.add(("Service", path["backend"]["service"]["name"]))
    yield from (f"{kind} {name}" for kind, name in said - names)
    for each in objects:
        selector = (
            each.get("spec", {}).get("selector") or each.get("spec", {}).get("podSelector") or {}
        )
        wanted = selector.get("matchLabels", selector)
        if not any(wanted.items() <= one.items() for one in labels):
            yield f"{each['kind']} {each['metadata']['name']} selects nothing"
    for service in of_kind(objects, "Service"):
        yield from (
            f"port {port['targetPort']}"
            for port in service["spec"]["ports"]
            if port["targetPort"] not in ports
        )


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
