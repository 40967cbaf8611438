"""What the scripts of Cloud Run do: the least rights, no key, and migrations before requests."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deploy.cloud_run import IMAGE, manifests, secret_versions
from tests.deploy.fake_programs import put_on_path
from tests.matrix.rendering import Rendering

ACCOUNTS = "serviceAccount:my-service-{}@my-project.iam.gserviceaccount.com"
RUNS, STARTS_JOBS, DEPLOYS = (ACCOUNTS.format(name) for name in ("run", "cron", "ship"))
POOL = "iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/github"
REPOSITORY = f"principalSet://{POOL}/attribute.repository_id/42"
# Every right that somebody gets: who, which, on what. The secrets come to it by their names.
RIGHTS = {
    (RUNS, "roles/cloudsql.client", "projects my-project"),
    (STARTS_JOBS, "roles/run.invoker", "run jobs my-service-rotate-keys"),
    (STARTS_JOBS, "roles/run.invoker", "run jobs my-service-clean-up"),
    ("allUsers", "roles/run.invoker", "run services my-service"),
    (DEPLOYS, "roles/artifactregistry.writer", "artifacts repositories my-service"),
    (DEPLOYS, "roles/run.developer", "projects my-project"),
    (DEPLOYS, "roles/iam.serviceAccountUser", f"iam service-accounts {RUNS[15:]}"),
    (REPOSITORY, "roles/iam.workloadIdentityUser", f"iam service-accounts {DEPLOYS[15:]}"),
}
# Nothing exists yet, and the project has a number.
GCLOUD = """
case "$*" in
  "projects describe"*) echo 123 ;;
  *describe*) exit 1 ;;
  *"jobs execute"*) exit "${MIGRATION:-0}" ;;
esac
"""
DOCKER = f"""
case "$*" in
  *inspect*) echo other.example.com/app@sha256:0; echo {IMAGE} ;;
  *) echo progress ;;
esac
"""


def run(
    service: Rendering, directory: Path, words: str, **variables: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a script of a service; return what came of it and which programs it called."""
    environment, calls = put_on_path(directory, gcloud=GCLOUD, docker=DOCKER)
    script, *arguments = words.split()
    done = subprocess.run(
        [service.directory / "deploy/cloud-run" / script, *arguments],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, calls()


def rights(calls: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield every right that calls of gcloud give: who, which role, on what."""
    for call in calls:
        words = call.split(" ")
        if "add-iam-policy-binding" in words:
            at = words.index("add-iam-policy-binding")
            options = dict(word.partition("=")[::2] for word in words if word.startswith("--"))
            yield options["--member"], options["--role"], " ".join([*words[1:at], words[at + 1]])


def test_everybody_gets_the_rights_that_are_listed_and_no_other(
    on_cloud_run: list[Rendering], tmp_path: Path
) -> None:
    for number, service in enumerate(on_cloud_run):
        directory = tmp_path / str(number)
        directory.mkdir()
        filled = manifests(service.directory, directory / "filled")
        secrets = {name for one in filled.values() for name, _ in secret_versions(one)}
        reads = {
            (RUNS, "roles/secretmanager.secretAccessor", f"secrets {name}") for name in secrets
        }
        calls = []
        for step in ("accounts", "schedules", "github 42"):
            folder = directory / step
            folder.mkdir()
            done, called = run(service, folder, f"setup.sh {step}")
            assert done.returncode == 0, done.stderr
            calls += called
        assert set(rights(calls)) == RIGHTS | reads
        assert not [call for call in calls if " keys " in call]


def test_a_right_too_many_is_found(on_cloud_run: list[Rendering], tmp_path: Path) -> None:
    shutil.copytree(on_cloud_run[0].directory, tmp_path / "service")
    script = tmp_path / "service/deploy/cloud-run/setup.sh"
    text = script.read_text("utf-8")
    script.write_text(text.replace("roles/run.developer", "roles/editor"), "utf-8")
    planted = replace(on_cloud_run[0], directory=tmp_path / "service")
    _, calls = run(planted, tmp_path, "setup.sh github 42")
    assert {role for _, role, _ in set(rights(calls)) - RIGHTS} == {"roles/editor"}


def test_the_database_is_the_only_one_that_the_service_may_connect_to(
    on_cloud_run: list[Rendering], tmp_path: Path
) -> None:
    _, calls = run(on_cloud_run[0], tmp_path, "setup.sh accounts")
    (call,) = [call for call in calls if "roles/cloudsql.client" in call]
    assert "expression=resource.name == 'projects/my-project/instances/my-service' && " in call


def test_only_the_main_branch_of_one_repository_may_deploy(
    on_cloud_run: list[Rendering], tmp_path: Path
) -> None:
    done, calls = run(on_cloud_run[0], tmp_path, "setup.sh github 42")
    (call,) = [call for call in calls if "create-oidc" in call]
    wanted = ("repository_id == '42'", "ref == 'refs/heads/main'", "environment == 'production'")
    assert " && ".join(f"assertion.{one}" for one in wanted) in call
    assert "WORKLOAD_IDENTITY_PROVIDER=projects/123/" in done.stdout


@pytest.mark.parametrize("words", ["setup.sh", "setup.sh github", "setup.sh all", "deploy.sh"])
def test_a_script_that_is_called_wrongly_does_nothing(
    words: str, on_cloud_run: list[Rendering], tmp_path: Path
) -> None:
    done, calls = run(on_cloud_run[0], tmp_path, words)
    assert done.returncode != 0
    assert calls == []
    assert done.stderr


@pytest.mark.parametrize("migration", [0, 1])
def test_the_new_version_waits_for_its_migrations(
    migration: int, on_cloud_run: list[Rendering], tmp_path: Path
) -> None:
    words = f"deploy.sh {IMAGE}"
    done, calls = run(on_cloud_run[0], tmp_path, words, MIGRATION=str(migration))
    assert done.returncode == migration, done.stderr
    where = "--project=my-project --region=europe-west1 --quiet"
    steps = [call.removesuffix(f" {where}").split("/")[-1] for call in calls]
    before = ["migrate.yaml", "gcloud run jobs execute my-service-migrate --wait"]
    after = ["rotate-keys.yaml", "clean-up.yaml", "service.yaml"]
    assert steps == before + ([] if migration else after)


@pytest.mark.parametrize("words", ["push.sh", "push.sh /archive.tar"])
def test_a_pushed_image_is_named_by_its_digest_and_nothing_else_is_printed(
    words: str, on_cloud_run: list[Rendering], tmp_path: Path
) -> None:
    done, calls = run(on_cloud_run[0], tmp_path, words)
    assert (done.returncode, done.stdout) == (0, f"{IMAGE}\n"), done.stderr
    assert ("docker load --input /archive.tar" in calls) is ("archive" in words)
