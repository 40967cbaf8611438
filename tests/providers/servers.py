"""The servers of these tests, each a process on a port of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.matrix.rendering import Rendering

HERE = Path(__file__).parent
START_SECONDS = 120.0  # on a machine that is busy
# As in openid_provider.mjs; a secret of odd characters shows that it is encoded (RFC 6749, 2.3.1).
CLIENT_ID, CLIENT_SECRET = "service", "s+cret/of the: service"
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def require(reason: str, *, present: bool) -> None:
    """Skip where something real is missing; with REQUIRE_REAL_SERVICES that is a failure."""
    if not present:
        if os.environ.get("REQUIRE_REAL_SERVICES"):
            pytest.fail(reason)
        pytest.skip(reason)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], address: str, *, cwd: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    """Run a server until the block ends; it is there once its address answers."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(address, process)
            yield
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx2.get(address, trust_env=False)
        except httpx2.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing answers at {address}")


@dataclass(frozen=True)
class World:
    """The addresses of a service, of its providers and of the page that uses it."""

    service: str
    page: str
    openid: str
    github: str

    def rotate_keys(self) -> None:
        """Have the OpenID provider replace its keys."""
        assert httpx2.post(f"{self.openid}/rotate", trust_env=False).status_code == 204


@contextmanager
def world(rendering: Rendering, scratch: Path) -> Iterator[World]:
    """Run a service that is registered at both providers, and a page of another origin."""
    require("no node", present=shutil.which("node") is not None)
    require("no oidc-provider: npm ci in tests/providers", present=(HERE / "node_modules").is_dir())
    made = World(*(f"http://localhost:{free_port()}" for _ in range(4)))
    page = (HERE / "page.html").read_text("utf-8").replace("SERVICE", made.service)
    (scratch / "index.html").write_text(page, "utf-8")
    settings = _settings(made, scratch)
    migrate = [sys.executable, "-m", "app", "db", "upgrade"]
    environment = {**ENVIRONMENT, **settings}
    subprocess.run(migrate, cwd=rendering.directory, env=environment, check=True)
    with ExitStack() as servers:
        for address, command, folder in _servers(made, rendering, scratch):
            servers.enter_context(running(command, address, cwd=folder, environment=settings))
        yield made


def _settings(made: World, scratch: Path) -> dict[str, str]:
    return {
        "SECRET_KEY": "tests-only-Kx3vQm8ZrT1wYb6NcJ5hLd0sGf",
        "DATABASE_URL": f"sqlite+aiosqlite:///{scratch / 'service.db'}",
        "ISSUER": made.service,
        "CORS_ORIGINS": made.page,
        "OAUTH_RETURN_TO": f"{made.page}/index.html",
        "OIDC_ISSUER": made.openid,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "GITHUB_CLIENT_ID": "client-of-github",
        "GITHUB_CLIENT_SECRET": "github-secret",
        "GITHUB_URL": made.github,
        "GITHUB_API_URL": made.github,
    }


def _servers(
    made: World, rendering: Rendering, scratch: Path
) -> Iterator[tuple[str, list[str], Path]]:
    """Yield the address, the command and the folder of each server."""

    def port(address: str) -> str:
        return address.rpartition(":")[2]

    python, service = [sys.executable, "-m"], rendering.directory
    callback = f"{made.service}/auth/oauth/oidc/callback"
    yield made.openid, ["node", "openid_provider.mjs", port(made.openid), callback], HERE
    yield made.github, [*python, "tests.auth.support.github_server", port(made.github)], service
    yield made.page, [*python, "http.server", port(made.page), "--bind", "localhost"], scratch
    serve = [*python, "uvicorn", "app.main:create", "--factory", "--host", "localhost"]
    yield f"{made.service}/livez", [*serve, "--port", port(made.service)], service
