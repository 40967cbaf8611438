"""A headless Chromium, and a service with the default answers that it can visit."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import httpx2
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.matrix.questions import defaults
from tests.matrix.rendering import render

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
START_SECONDS = 60.0


@dataclass(frozen=True)
class Visited:
    """The address of a service, and the password of ada@example.com there."""

    address: str
    password: str


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; where there is none, the tests are skipped, and in CI they fail."""
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_REAL_SERVICES"):
            pytest.fail("no chromium")
        pytest.skip("no chromium")
    with sync_playwright() as playwright:
        # Its sandbox does not start as root, which containers are; it meets nothing but our page.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of a browser that has been nowhere."""
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    """A service with the default answers."""
    scratch = tmp_path_factory.mktemp("service")
    directory = render(defaults(), scratch / "rendered").directory
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    address = f"http://localhost:{port}"
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "SECRET_KEY": "tests-only-Kx3vQm8ZrT1wYb6NcJ5hLd0sGf",
        "DATABASE_URL": f"sqlite+aiosqlite:///{scratch / 'service.db'}",
        "ISSUER": address,
    }
    python = [sys.executable, "-m"]
    run = partial(subprocess.run, cwd=directory, env=environment, check=True, capture_output=True)
    run([*python, "app", "db", "upgrade"])
    made = run([*python, "app", "users", "create", "ada@example.com", "--generate"], text=True)
    password = made.stdout.partition("Password: ")[2].split()[0]
    serve = [*python, "uvicorn", "app.main:create", "--factory", "--host", "localhost"]
    with subprocess.Popen([*serve, "--port", str(port)], cwd=directory, env=environment) as process:
        try:
            _wait_for(f"{address}/livez", process)
            yield Visited(address, password)
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
