"""Builds the image of the default service, runs it as compose.yaml would, and says what happened.

python -m tests.deploy.image --uv UV: buildah builds it (no daemon, no registry); it migrates, gets
ready, logs a user in, and is replaced under load by one with a new SECRET_KEY.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2

from tests.deploy.caddy import running_caddy
from tests.deploy.image.building import (
    APP,
    Buildah,
    build,
    make_bases,
    missing_programs,
    root_of_debian,
)
from tests.deploy.image.checks import contents, healthcheck, promises
from tests.deploy.image.containers import Container
from tests.deploy.image.load import TURNED_AWAY, Load
from tests.deploy.image.stage import Report, Stage
from tests.deploy.image.stores import COMPOSE, compose, running_stores
from tests.deploy.waiting import until
from tests.matrix.questions import ROOT, defaults
from tests.matrix.rendering import render

REPORTS = ROOT / "reports"
EMAIL = "ada@example.com"
LOAD_SECONDS = 3


def main() -> int:
    """Do it; return 0, 1 when something is not as promised, 3 when programs are missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.image")
    parser.add_argument("--uv", required=True, help="the uv program, which goes into the build")
    uv = Path(parser.parse_args().uv)
    if missing := missing_programs():
        print(f"not done: {', '.join(missing)} not on this machine")
        return 1 if os.environ.get("REQUIRE_REAL_SERVICES") else 3
    with tempfile.TemporaryDirectory(prefix="gh-image-") as name:
        scratch = Path(name)
        service = render(defaults(), scratch / "service").directory
        subprocess.run([uv, "lock", "--quiet"], cwd=service, check=True)
        buildah = Buildah(scratch)
        make_bases(buildah, root_of_debian(REPORTS / "debian.tar"), _program_of(uv))
        report = Report()
        began = time.monotonic()
        build(buildah, service)
        report.say(f"built by the service's own Dockerfile in {time.monotonic() - began:.0f} s")
        try:
            _run(Stage(scratch, service, buildah), report)
        finally:
            for log in scratch.glob("*.log"):
                shutil.copy(log, REPORTS / f"image-{log.name}")
            buildah("rm", "--all")
    (REPORTS / "image.json").write_text(json.dumps(vars(report), indent=2))
    print("failed" if report.broken else "all as promised")
    return 1 if report.broken else 0


def _run(stage: Stage, report: Report) -> None:
    for sentence, holds in promises(stage.buildah.config(APP)):
        report.require(holds, sentence)
    stage.secrets_command()
    caddyfile = stage.service / COMPOSE / "Caddyfile"
    with (
        running_stores(stage.service, stage.secrets) as socket_folder,
        running_caddy(caddyfile, stage.scratch, stage.public, f"127.0.0.1:{stage.port}"),
    ):
        first, second = stage.container(socket_folder), stage.container(socket_folder)
        try:
            token = _prepare(stage, first, report)
            _replace_under_load(stage, first, second, token, report)
            _afterwards(stage, second, token, report)
        finally:
            first.end()
            second.end()


def _prepare(stage: Stage, container: Container, report: Report) -> str:
    for sentence, holds in contents(container):
        report.require(holds, sentence)
    container.run(*_command(stage, "migrate"), owner=stage.secrets / "database_owner_url")
    report.say("migrated by the job `migrate`, as the owner of the tables")
    made = container.run("python", "-m", "app", "users", "create", EMAIL, "--generate")
    password = made.rpartition("Password: ")[2].strip()
    seconds = container.start(stage.port)
    report.say(f"/readyz answers {seconds:.1f} s after the start")
    report.require(container.capabilities() == 0, "its process has no capability")
    report.require(healthcheck(stage.buildah.config(APP), container, stage.port), "it is healthy")
    # Caddy looks every few seconds who is ready, and until then answers writes with 503 itself.
    until(lambda: _passes(stage.address), "Caddy passes requests on")
    answer = httpx2.post(
        f"{stage.address}/auth/token",
        data={"username": EMAIL, "password": password},
        timeout=30,
        trust_env=False,
    )
    report.require(answer.status_code == 200, "a user logs in through Caddy")
    return str(answer.json()["access_token"])


def _passes(address: str) -> bool:
    """Tell whether a request reaches the service, which has nothing at this path."""
    return httpx2.get(address, timeout=30, trust_env=False).status_code == 404


def _command(stage: Stage, name: str) -> Sequence[str]:
    words: Sequence[str] = compose(stage.service)["services"][name]["command"]
    return words


def _replace_under_load(
    stage: Stage, first: Container, second: Container, token: str, report: Report
) -> None:
    """Stop the first and start the second, with a new SECRET_KEY, while clients go on asking."""
    with Load(stage.address, token) as load:
        time.sleep(LOAD_SECONDS)
        seconds, ended = first.stop()
        stage.rotate_secret_key()
        second.start(stage.port)
        time.sleep(LOAD_SECONDS)
    grace = int(compose(stage.service)["services"]["app"]["stop_grace_period"].removesuffix("s"))
    report.require(
        seconds < grace and ended == "terminated",
        f"it stops {seconds:.1f} s after SIGTERM, by itself ({ended}); {grace} s are its grace",
    )
    total, failed = load.statuses.total(), dict(load.failed)
    report.require(
        not failed and total > 0,
        f"replaced by one with a new SECRET_KEY: {total} requests through Caddy, failed: {failed},"
        f" the slowest waited {load.slowest:.1f} s",
    )
    if turned_away := load.statuses[TURNED_AWAY]:
        report.say(f"this machine's older Caddy answered {turned_away} writes itself meanwhile")


def _afterwards(stage: Stage, container: Container, token: str, report: Report) -> None:
    report.say(f"`keys reseal`: {container.run('python', '-m', 'app', 'keys', 'reseal')}")
    for words in (["keys", "rotate", "--if-due"], ["db", "clean"], ["db", "after-restore"]):
        report.say(f"`{' '.join(words)}`: {container.run('python', '-m', 'app', *words)}")

    def refused() -> bool:
        return _get(stage, token).status_code == 401

    seconds = until(refused, "the token is refused", 30)
    report.say(f"{seconds:.1f} s after `db after-restore` the token is refused")


def _get(stage: Stage, token: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.get(f"{stage.address}/items", headers=headers, timeout=30, trust_env=False)


def _program_of(uv: Path) -> Path:
    """Return the program itself where `uv` is a script that finds it."""
    command = [str(uv), "run", "--no-project", "--quiet", "printenv", "UV"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
