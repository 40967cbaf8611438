"""Behind the rendered Caddyfile nobody chooses the address that they are counted by."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.deploy.caddy import running_caddy
from tests.deploy.image.stores import free_port
from tests.deploy.programs import program
from tests.deploy.waiting import answers, until
from tests.matrix.questions import parse
from tests.matrix.rendering import render

CADDYFILE = Path("deploy/docker-compose/Caddyfile")
# More than any limit for an address lets pass.
ATTEMPTS = 60
# The proxy is 127.0.0.1; all of 127.0.0.0/8 is this machine, so that clients differ from it.
CLIENT, NEIGHBOUR = "127.0.0.2", "127.0.0.3"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service on SQLite that believes Caddy."""
    directory = tmp_path_factory.mktemp("caddy") / "service"
    render(parse(["token_revocation=database"]), directory)
    for words in (["bootstrap"], ["db", "upgrade"]):
        subprocess.run([sys.executable, "-m", "app", *words], cwd=directory, check=True)
    return directory


@contextmanager
def behind_caddy(service: Path, scratch: Path, caddyfile: Path) -> Iterator[str]:
    """Run the service as its image does, with Caddy in front; yield the public address."""
    program("caddy")
    port, public = free_port(), free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "app.main:create",
        "--factory",
        "--no-proxy-headers",
    ]
    environment = {**os.environ, "TRUSTED_PROXIES": "127.0.0.1/32"}
    with (scratch / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)], cwd=service, env=environment, stdout=log, stderr=log
        )
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the service")
        with running_caddy(caddyfile, scratch, public, f"127.0.0.1:{port}"):
            until(lambda: answers(f"http://localhost:{public}/readyz"), "the service behind Caddy")
            yield f"http://localhost:{public}"
    finally:
        process.terminate()
        process.wait()


def try_logins(address: str, client: str, count: int) -> set[int]:
    """Guess passwords of many accounts from one address that claims to be many."""
    transport = httpx2.HTTPTransport(local_address=client)
    with httpx2.Client(base_url=address, transport=transport, timeout=60) as guesser:
        return {
            guesser.post(
                "/auth/token",
                data={"username": f"user-{number}@example.com", "password": "a wrong password"},
                headers={
                    "X-Forwarded-For": f"203.0.113.{number}",
                    "X-Real-IP": f"203.0.113.{number}",
                    "Forwarded": f"for=203.0.113.{number}",
                },
            ).status_code
            for number in range(count)
        }


def addresses(scratch: Path) -> set[str]:
    """Return the addresses that the service, which has ended, logged for failed logins."""
    lines = (scratch / "service.log").read_text().splitlines()
    events = (json.loads(line) for line in lines if line.startswith("{"))
    return {event["address"] for event in events if event["event"] == "login_failed"}


def test_a_client_that_claims_other_addresses_is_counted_by_its_own(
    service: Path, tmp_path: Path
) -> None:
    with behind_caddy(service, tmp_path, service / CADDYFILE) as address:
        assert try_logins(address, CLIENT, ATTEMPTS) == {400, 429}
        assert try_logins(address, NEIGHBOUR, 1) == {400}
    assert addresses(tmp_path) == {CLIENT, NEIGHBOUR}


def test_a_caddy_that_believes_its_clients_would_be_seen(service: Path, tmp_path: Path) -> None:
    text = (service / CADDYFILE).read_text()
    believing = tmp_path / "Caddyfile"
    good = "\t\theader_up -Forwarded\n"
    assert good in text
    passes_on = "\t\theader_up X-Forwarded-For {http.request.header.X-Forwarded-For}\n"
    believing.write_text(text.replace(good, passes_on))
    with behind_caddy(service, tmp_path, believing) as address:
        assert try_logins(address, CLIENT, 3) == {400}
    assert addresses(tmp_path) == {f"203.0.113.{number}" for number in range(3)}


def test_the_numbers_are_not_shown_outside(service: Path, tmp_path: Path) -> None:
    token = next(
        line.partition("=")[2]
        for line in (service / ".env").read_text().splitlines()
        if line.startswith("METRICS_TOKEN=")
    )
    with behind_caddy(service, tmp_path, service / CADDYFILE) as address:
        answer = httpx2.get(f"{address}/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 404
        assert "server" not in httpx2.get(f"{address}/livez").headers


def test_caddy_is_the_only_address_that_the_service_believes(service: Path) -> None:
    text = (service / "deploy/docker-compose/compose.yaml").read_text()
    assert "edge: {ipv4_address: 172.31.250.2}" in text
    assert "TRUSTED_PROXIES: 172.31.250.2/32" in text
    assert text.count("172.31.250.2") == 2
