"""Caddy on this machine with the rendered Caddyfile, without TLS and on a free port."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.waiting import until


@contextmanager
def running_caddy(caddyfile: Path, scratch: Path, port: int, upstream: str) -> Iterator[None]:
    """Run it until the block ends.

    Args:
        caddyfile: the rendered file.
        scratch: takes what Caddy writes, its log among it.
        port: where it listens: for http, so that it asks nobody for a certificate.
        upstream: host and port of the service.
    """
    program = shutil.which("caddy")
    assert program, "no caddy on this machine"
    environment = {
        **os.environ,
        "HOME": str(scratch),
        "DOMAIN": f"http://localhost:{port}",
        "UPSTREAM": upstream,
    }
    command = [program, "run", "--adapter", "caddyfile", "--config", str(caddyfile)]
    with (scratch / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: b"serving initial" in (scratch / "caddy.log").read_bytes(), "Caddy")
        yield
    finally:
        process.terminate()
        process.wait()
