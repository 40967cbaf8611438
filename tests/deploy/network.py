"""What the objects of a Kubernetes deployment let through, and what they call by name."""

from collections.abc import Iterator

from tests.deploy.kustomize import Object, pods


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
