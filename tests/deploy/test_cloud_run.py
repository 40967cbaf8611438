"""The manifests of Cloud Run: understood by its API, filled in exactly, as the service needs."""

import copy
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.cloud_run import (
    IMAGE,
    JOBS,
    Manifest,
    annotations,
    container,
    manifests,
    render,
    secret_versions,
    specification,
)
from tests.deploy.production import PASSWORD, SECRETS, ask_settings
from tests.deploy.run_schema import errors
from tests.matrix.rendering import Rendering

SOCKET = "/cloudsql/my-project:europe-west1:my-service"
CLOUD_SECRETS = SECRETS | {
    "DATABASE_URL": f"postgresql+asyncpg://app:{PASSWORD}@/app?host={SOCKET}",
    "REDIS_URL": f"rediss://:{PASSWORD}@10.0.0.3:6378"
    "?ssl_ca_certs=/secrets/redis-ca/ca.pem&ssl_check_hostname=false",
}
Filled = list[tuple[Rendering, dict[str, Manifest]]]
SECONDS_BEFORE_IT_KILLS = 10  # Cloud Run's container contract


@pytest.fixture(scope="session")
def filled(on_cloud_run: list[Rendering], tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """Each service with its manifests."""
    found = [
        (service, manifests(service.directory, tmp_path_factory.mktemp("manifests")))
        for service in on_cloud_run
    ]
    assert {service.answers["token_revocation"] for service, _ in found} >= {"redis"}
    return found


def test_the_api_understands_every_manifest(filled: Filled) -> None:
    for _, files in filled:
        assert files.keys() == {"service.yaml", *JOBS}
        for name, manifest in files.items():
            assert errors(manifest) == [], name


MISTAKES: dict[str, Callable[[Manifest], Any]] = {
    "a misspelt probe": lambda m: container(m).update(livenesProbe={}),
    "a misspelt kind": lambda m: m.update(kind="Servce"),
    "a text for a number": lambda m: specification(m).update(containerConcurrency="80"),
    "a number for a text": lambda m: container(m).update(args=["--port", 8080]),
    "an object for a list": lambda m: container(m).update(env={"A": "b"}),
    "a misspelt annotation": lambda m: annotations(m).update({"run.googleapis.com/cpu": "x"}),
    "an annotation of a service on a revision": lambda m: annotations(m).update(
        {"run.googleapis.com/ingress": "all"}
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_the_api_would_not_understand_is_found(mistake: str, filled: Filled) -> None:
    manifest = copy.deepcopy(filled[0][1]["service.yaml"])
    MISTAKES[mistake](manifest)
    assert len(errors(manifest)) == 1


def test_the_work_beside_requests_goes_on(filled: Filled) -> None:
    for _, files in filled:
        said = annotations(files["service.yaml"])
        assert said["run.googleapis.com/cpu-throttling"] == "false"
        assert int(said["autoscaling.knative.dev/minScale"]) >= 1
        for name, arguments in JOBS.items():
            assert (container(files[name])["command"], container(files[name])["args"]) == (
                ["python"],
                arguments,
            )


def test_service_and_jobs_run_one_image_with_one_set_of_settings(filled: Filled) -> None:
    for service, files in filled:
        redis = service.answers["token_revocation"] == "redis"
        for manifest in files.values():
            spec, said = specification(manifest), annotations(manifest)
            assert container(manifest)["image"] == IMAGE
            assert container(manifest)["env"] == container(files["service.yaml"])["env"]
            assert spec["volumes"] == specification(files["service.yaml"])["volumes"]
            assert spec["serviceAccountName"] == "my-service-run@my-project.iam.gserviceaccount.com"
            assert f"/cloudsql/{said['run.googleapis.com/cloudsql-instances']}" == SOCKET
            assert ("run.googleapis.com/network-interfaces" in said) is redis


def test_both_versions_of_the_secret_key_are_mounted_and_no_version_is_the_latest(
    filled: Filled, tmp_path: Path
) -> None:
    service = tmp_path / "service"
    shutil.copytree(filled[0][0].directory, service)
    file = service / "deploy/cloud-run/settings.env"
    file.write_text(file.read_text("utf-8").replace("SECRET_KEY_VERSION=1", "SECRET_KEY_VERSION=2"))
    for name, manifest in manifests(service, tmp_path / "filled").items():
        (volume,) = [v for v in specification(manifest)["volumes"] if v["name"] == "secret-key"]
        versions = {item["path"]: item["key"] for item in volume["secret"]["items"]}
        assert versions == {"SECRET_KEY": "2", "SECRET_KEY_PREVIOUS": "1"}, name
        assert all(version.isdigit() for _, version in secret_versions(manifest))


def test_the_service_starts_in_production_with_these_settings(
    filled: Filled, tmp_path: Path
) -> None:
    for service, files in filled:
        web = container(files["service.yaml"])
        variables = {
            one["name"]: one.get("value") or CLOUD_SECRETS[one["name"]] for one in web["env"]
        }
        mounts = {mount["name"]: mount["mountPath"] for mount in web["volumeMounts"]}
        assert variables.pop("SECRETS_DIR") == mounts["secret-key"]
        keys = {name: SECRETS[name] for name in ("SECRET_KEY", "SECRET_KEY_PREVIOUS")}
        directory = tmp_path / service.directory.name
        directory.mkdir()
        found = ask_settings(service.directory, variables, keys, directory)
        assert (found["findings"], found["unknown"]) == ([], [])
        assert found["secrets"] == list(keys.values())
        assert (found["hops"], found["proxies"]) == (1, [])
        assert variables["LOG_GOOGLE_CLOUD_PROJECT"] == "my-project"
        for probe in ("startupProbe", "livenessProbe"):
            assert web[probe]["httpGet"]["httpHeaders"][0]["value"] in found["hosts"]
            assert web[probe]["httpGet"]["port"] == web["ports"][0]["containerPort"] == 8080


def test_an_instance_has_time_to_stop(filled: Filled) -> None:
    for service, files in filled:
        arguments = container(files["service.yaml"])["args"]
        requests = int(arguments[arguments.index("--timeout-graceful-shutdown") + 1])
        source = service.read("app/auth/background.py")
        background = re.search(r"STOP_WITHIN = timedelta\(seconds=(\d+)\)", source)
        assert background
        assert requests + int(background[1]) < SECONDS_BEFORE_IT_KILLS


def test_the_command_is_that_of_the_image_but_for_port_and_time(filled: Filled) -> None:
    for service, files in filled:
        web = container(files["service.yaml"])
        (command,) = re.findall(r"(?ms)^CMD \[(.+?)\]$", service.read("Dockerfile"))
        words = re.findall(r'"([^"]+)"', command)
        words[words.index("--port") + 1] = "8080"
        words[words.index("--timeout-graceful-shutdown") + 1] = "4"
        assert [*web["command"], *web["args"]] == words


REFUSED = {
    "an image by its tag": ("", "", "app:latest"),
    "a line that is none": ("REGION=", "REGION ", IMAGE),
    "a name that is missing": ("PROJECT_ID=", "PROJECT=", IMAGE),
    "a name twice": ("AUDIENCE=api", "ISSUER=https://b.example.com", IMAGE),
    "a value that YAML reads as more": ("REGION=europe-west1", 'REGION="a: b"', IMAGE),
    "the latest version of a secret": ("-database-url:1", "-database-url:latest", IMAGE),
    "a secret without a version": ("-database-url:1", "-database-url", IMAGE),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_filled_in_is_refused(fault: str, filled: Filled, tmp_path: Path) -> None:
    good, bad, image = REFUSED[fault]
    service = tmp_path / "service"
    shutil.copytree(filled[0][0].directory, service)
    file = service / "deploy/cloud-run/settings.env"
    text = file.read_text("utf-8")
    assert good in text
    file.write_text(text.replace(good, bad, 1) if good else text, "utf-8")
    assert render(service, tmp_path / "filled", image) != ""
    assert not list((tmp_path / "filled").glob("*"))


@pytest.mark.parametrize(
    "value", ["a: b #c", '"quoted" \\', "$HOME ${X} $$", "{{x}}", "yes", "ü€ß"]
)
def test_a_value_arrives_as_it_was_written(value: str, filled: Filled, tmp_path: Path) -> None:
    service = tmp_path / "service"
    shutil.copytree(filled[0][0].directory, service)
    with (service / "deploy/cloud-run/settings.env").open("a", encoding="utf-8") as file:
        file.write(f"MINE={value}\n")
    assert render(service, tmp_path / "filled") == ""
    manifest = yaml.safe_load((tmp_path / "filled/service.yaml").read_text("utf-8"))
    assert {"name": "MINE", "value": value} in container(manifest)["env"]
