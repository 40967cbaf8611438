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
    for each in of_kind(objects, "ExternalSecret"):
        names.add(("Secret", each["spec"]["target"]["name"]))
    said = {*_said_by_pods(objects)}
    for each in of_kind(objects, "HorizontalPodAutoscaler"):
        said.add(("Deployment", each["spec"]["scaleTargetRef"]["name"]))
    for each in of_kind(objects, "Ingress"):
        for path in each["spec"]["rules"][0]["http"]["paths"]:
            said.add(("Service", path["backend"]["service"]["name"]))
    yield from (f"{kind} {name}" for kind, name in said - names)
    yield from _selecting_nothing(objects)


def _said_by_pods(objects: list[Object]) -> Iterator[tuple[str, str]]:
    for _, template in pods(objects):
        yield "ServiceAccount", template["spec"]["serviceAccountName"]
        for volume in template["spec"]["volumes"]:
            if "secret" in volume:
                yield "Secret", volume["secret"]["secretName"]
        for container in template["spec"]["containers"]:
            for source in container["envFrom"]:
                yield "ConfigMap", source["configMapRef"]["name"]


def _selecting_nothing(objects: list[Object]) -> Iterator[str]:
    templates = [template for _, template in pods(objects)]
    for each in objects:
        spec = each.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {}
        wanted = selector.get("matchLabels", selector)
        chosen = [one for one in templates if wanted.items() <= one["metadata"]["labels"].items()]
        if not chosen:
            yield f"{each['kind']} {each['metadata']['name']} selects nothing"
        containers = [one for template in chosen for one in template["spec"]["containers"]]
        there = {port["name"] for one in containers for port in one.get("ports", [])}
        if each["kind"] == "Service" and {one["targetPort"] for one in spec["ports"]} - there:
            yield f"Service {each['metadata']['name']} sends to no port"
