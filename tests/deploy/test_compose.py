"""What compose.yaml promises beyond its schema, each promise seen broken."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.matrix.rendering import Rendering

PATH = "deploy/docker-compose/compose.yaml"
# uvicorn waits this long for requests, and the app for what runs beside them. Seconds.
REQUESTS, BACKGROUND = 20, 5
Parsed = dict[str, Any]


@pytest.fixture(scope="session")
def composes(deploys: list[Rendering]) -> list[Parsed]:
    """Each distinct compose.yaml, parsed."""
    texts = {each.read(PATH) for each in deploys if PATH in each.files}
    return [yaml.safe_load(text) for text in sorted(texts)]


def findings(compose: Parsed) -> Iterator[str]:
    """Yield what a reviewer would say."""
    for name, service in compose["services"].items():
        yield from (f"{name}: {what}" for what in _of_a_container(service))
        if name != "caddy" and service.get("ports"):
            yield f"{name}: publishes a port"
    for name in ("stores", "edge"):
        if not compose["networks"][name].get("internal"):
            yield f"{name} has a way out"
    for name, secret in compose["secrets"].items():
        if not secret["file"].startswith("secrets/"):
            yield f"{name}: not from the folder that git ignores"
    yield from _of_the_service(compose["services"])


def _of_a_container(service: Parsed) -> Iterator[str]:
    if service.get("read_only") is not True:
        yield "may write its own files"
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add", []) not in (
        [],
        ["NET_BIND_SERVICE"],
    ):
        yield "keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges"
    if not service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory", "pids"}:
        yield "has no limits"
    if "build" not in service and "@sha256:" not in service["image"]:
        yield "an image that can change"
    named = {**service.get("environment", {})}
    if [n for n in named if "PASSWORD" in n and not n.endswith("_FILE")]:
        yield "a secret in its environment"


def _of_the_service(services: Parsed) -> Iterator[str]:
    app, migrate = services["app"], services["migrate"]
    delay = int(app["environment"].get("SHUTDOWN_DELAY", 0))
    if int(app["stop_grace_period"].removesuffix("s")) <= delay + REQUESTS + BACKGROUND:
        yield "app: is killed before it has ended"
    if app["depends_on"].get("migrate") != {"condition": "service_completed_successfully"}:
        yield "app: starts before the migrations"
    if "database_owner_url" in str(app["secrets"]):
        yield "app: may change tables"
    if migrate["command"] != ["python", "-m", "app", "db", "upgrade"] or migrate["restart"] != "no":
        yield "migrate: is no job"
    schedule = str(services["schedule"]["command"])
    if "keys rotate --if-due" not in schedule or "db clean" not in schedule:
        yield "schedule: forgets something"
    address = services["caddy"]["networks"]["edge"]["ipv4_address"]
    if app["environment"].get("TRUSTED_PROXIES") != f"{address}/32":
        yield "app: believes another than Caddy"
    if "redis" in services and "noeviction" not in services["redis"]["command"]:
        yield "redis: drops denials"


def test_a_reviewer_finds_nothing(composes: list[Parsed]) -> None:
    assert len(composes) == 2  # with and without Redis
    for compose in composes:
        assert list(findings(compose)) == []


def _set(*path: str, value: object) -> Callable[[Parsed], None]:
    def change(compose: Parsed) -> None:
        target = compose
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return change


FAULTS = {
    "app: may write its own files": _set("services", "app", "read_only", value=False),
    "redis: keeps capabilities": _set("services", "redis", "cap_add", value=["SYS_ADMIN"]),
    "caddy: may gain privileges": _set("services", "caddy", "security_opt", value=[]),
    "database: has no limits": _set(
        "services", "database", "deploy", value={"resources": {"limits": {"cpus": "1"}}}
    ),
    "redis: an image that can change": _set("services", "redis", "image", value="redis:8"),
    "database: publishes a port": _set("services", "database", "ports", value=["5432:5432"]),
    "database: a secret in its environment": _set(
        "services", "database", "environment", value={"POSTGRES_PASSWORD": "x"}
    ),
    "stores has a way out": _set("networks", "stores", value={}),
    "edge has a way out": _set("networks", "edge", value={}),
    "secret_key: not from the folder that git ignores": _set(
        "secrets", "secret_key", value={"file": "key"}
    ),
    "app: is killed before it has ended": _set("services", "app", "stop_grace_period", value="30s"),
    "app: starts before the migrations": _set("services", "app", "depends_on", value={}),
    "app: may change tables": _set("services", "app", "secrets", value=["database_owner_url"]),
    "migrate: is no job": _set("services", "migrate", "restart", value="always"),
    "schedule: forgets something": _set("services", "schedule", "command", value=["sleep"]),
    "app: believes another than Caddy": _set(
        "services", "app", "environment", "TRUSTED_PROXIES", value="10.0.0.0/8"
    ),
    "redis: drops denials": _set("services", "redis", "command", value="redis-server"),
}


@pytest.mark.parametrize("finding", FAULTS)
def test_a_planted_fault_is_found(finding: str, composes: list[Parsed]) -> None:
    compose = copy.deepcopy(next(each for each in composes if "redis" in each["services"]))
    FAULTS[finding](compose)
    assert finding in list(findings(compose))
