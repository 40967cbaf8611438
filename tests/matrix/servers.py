"""The real servers of a run: one PostgreSQL for all suites, and whether there is a Redis."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# The harness of the rendered service starts the server, so there is one implementation of that.
_SERVE = """
import sys
from tests.auth.support import servers
try:
    with servers.postgres_server() as server:
        print(server.url, flush=True)
        sys.stdin.read()
except BaseException as reason:
    print(f"none: {reason}", flush=True)
"""


REDIS_PROGRAMS = ("redis-server", "valkey-server")


def replaced(postgres: Mapping[str, str]) -> list[str]:
    """Return a sentence for each real server that this machine lacks.

    Args:
        postgres: what `shared_postgres` gave.
    """
    missing = []
    if not postgres:
        missing.append("no PostgreSQL: the tests that need it are skipped")
    if not any(map(shutil.which, REDIS_PROGRAMS)):
        missing.append(f"no {' or '.join(REDIS_PROGRAMS)} on PATH: fakeredis stands in for Redis")
    return missing


@contextmanager
def shared_postgres(service: Path) -> Iterator[dict[str, str]]:
    """Give the environment variable that names a running server, or nothing when there is none.

    Args:
        service: a rendered service, whose test harness knows how to start one.
    """
    # Its own session: an interrupted run closes the pipe, which stops the server in good order.
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        cwd=service,
        env={**os.environ, "PYTHONPATH": str(service)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        url = process.stdout.readline().strip() if process.stdout else ""
        yield {"TEST_POSTGRES_URL": url} if url.startswith("postgres") else {}
        if process.stdin:
            process.stdin.close()
