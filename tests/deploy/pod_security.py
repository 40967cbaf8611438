"""What the Pod Security Standard "restricted" asks of a pod, and what goes beyond it here.

The rules, in the words of the standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Iterator
from typing import Any

FIRST_UID = 10_001  # below are the users of the node's own programs
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"}


def weaknesses(spec: dict[str, Any]) -> Iterator[str]:
    """Yield what a pod's specification allows and should not."""
    pod = spec.get("securityContext", {})
    if any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        yield "it lives in the node's own namespaces"
    if pod.get("runAsNonRoot") is not True or pod.get("runAsUser", 0) < FIRST_UID:
        yield "it may run as root, or as a user of the node"
    if pod.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "it may make every system call"
    if spec.get("automountServiceAccountToken") is not False:
        yield "it holds a token for the cluster's API"
    if spec.get("enableServiceLinks") is not False:
        yield "the names of its neighbours become variables"
    if spec.get("serviceAccountName", "default") == "default":
        yield "it runs as everybody's account"
    for volume in spec.get("volumes", []):
        if not volume.keys() - {"name"} <= VOLUMES:
            yield f"the volume {volume['name']} is not of a harmless kind"
    containers = [*spec["containers"], *spec.get("initContainers", [])]
    for container in containers:
        yield from _of_container(container)


def _of_container(container: dict[str, Any]) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
        yield "it may become more than it is"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield "it keeps capabilities"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "it may write to its image"
    if context.keys() & {"runAsUser", "runAsNonRoot", "seccompProfile", "procMount"}:
        yield "the container takes back what the pod says"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "it takes a port of the node"
    resources = container.get("resources", {})
    if {*resources.get("limits", {})} != {"cpu", "memory"}:
        yield "nothing bounds what it uses"
    if {*resources.get("requests", {})} != {"cpu", "memory"}:
        yield "nothing is kept free for it"
    if "@sha256:" not in container["image"]:
        yield "another image may come under the same name"
