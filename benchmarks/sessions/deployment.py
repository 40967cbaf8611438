"""Services under measurement: workers that share a database and a Redis, and their sessions."""

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.speed.servers import (
    APPS,
    Running,
    environment_of,
    family,
    launch,
    prepare,
    run,
    stop,
)
from benchmarks.speed.stores import Bench
from benchmarks.speed.variants import gatehouse

PROGRAM = str(APPS / "gatehouse_sessions.py")
METRICS_TOKEN = secrets.token_urlsafe(48)


@dataclass(frozen=True)
class Held:
    """What the owner of a session holds."""

    email: str
    password: str
    access: str
    refresh: str


@dataclass(frozen=True)
class Deployment:
    """A service that answers.

    Attributes:
        workers: its processes, each with a port of its own.
        sessions: each of an account of its own.
        statements: the SQL of one "refresh" and one "logout".
    """

    workers: list[Running]
    sessions: list[Held]
    statements: dict[str, list[str]]


@contextmanager
def deployed(
    bench: Bench,
    sessions: int,
    *,
    check: str = "strict",
    workers: int = 1,
    sqlite: bool = False,
) -> Iterator[Deployment]:
    """Start a service as its image does, logs included, and stop it at the end.

    Args:
        bench: where.
        sessions: how many are made.
        check: REVOCATION_CHECK.
        workers: processes.
        sqlite: whether its database is a file, not PostgreSQL.
    """
    variant = replace(gatehouse(check, "RS256"), logs=True)
    environment = environment_of(bench, variant, ("", "")) | {
        # Each client has an address of its own: limits are not what is measured.
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "UVICORN_PROXY_HEADERS": "false",
        "METRICS_TOKEN": METRICS_TOKEN,
    }
    if sqlite:
        file = bench.scratch / f"{secrets.token_hex(4)}.db"
        environment["DATABASE_URL"] = f"sqlite+aiosqlite:///{file}"
    folder = prepare(bench, variant, environment)
    made = run([sys.executable, PROGRAM, "seed", str(sessions)], folder, environment)
    held = [Held(**each) for each in json.loads(made.splitlines()[-1])]
    told = run([sys.executable, PROGRAM, "statements"], folder, environment)
    statements = json.loads(told.splitlines()[-1])
    with ExitStack() as stack:
        running = []
        for _ in range(workers):
            server = launch(bench, variant, folder, environment, [])
            stack.callback(stop, server)
            running.append(server)
        yield Deployment(running, held, statements)


def memory_mib(running: Running, field: str = "VmRSS") -> float:
    """Return the memory of a server and all that it started: held, or most ever held (VmHWM)."""
    kib = 0
    for pid in family(running.process.pid):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                kib += int(line.split()[1])
    return kib / 1024


def forget_peak(running: Running) -> None:
    """Let the most memory ever held count from now on (proc(5), clear_refs)."""
    for pid in family(running.process.pid):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
