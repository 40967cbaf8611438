"""uvicorn for each variant: its data, its environment, its processes."""

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.stores import Bench, free_port
from benchmarks.speed.variants import FEW_REMEMBERED, TOKENS, Variant

APPS = Path(__file__).parent / "apps"
READY_AFTER = 120  # seconds until a server must answer; a loaded machine starts slowly
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    port: int
    headers: list[list[str]]

    def cpu_seconds(self) -> float:
        """Return the processor time of the server and all its workers so far."""
        return sum(_cpu_seconds(pid) for pid in family(self.process.pid))


def environment_of(bench: Bench, variant: Variant, keys: tuple[str, str]) -> dict[str, str]:
    """Return what a variant's process gets."""
    address = bench.new_database()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "BENCH_TOKENS": str(TOKENS),
        "BENCH_DATABASE_URL": address,
        "BENCH_REDIS_URL": bench.redis,
        "BENCH_SIGN_WITH": keys[0],
        "BENCH_KEY": keys[1] or keys[0],
        "DATABASE_URL": address,
        "REDIS_URL": bench.redis,
        "REDIS_KEY_PREFIX": secrets.token_hex(8),
        "SECRET_KEY": secrets.token_urlsafe(32),
        "ALLOWED_HOSTS": "localhost",
        "ACCESS_TOKEN_LIFETIME": "3600",
        "LOG_LEVEL": "INFO" if variant.logs else "WARNING",
        "VERIFIED_TOKENS_LIMIT": str(10_000 if variant.hits == 1 else FEW_REMEMBERED),
        **variant.environment,
    }


def start(bench: Bench, variant: Variant, keys: tuple[str, str]) -> Running:
    """Make a variant's data and start its server.

    Raises:
        CalledProcessError: its data or environment cannot be made.
        RuntimeError: it does not answer.
    """
    environment = environment_of(bench, variant, keys)
    folder = prepare(bench, variant, environment)
    headers: list[list[str]] = []
    if variant.caller != "nobody":
        seeding = [bench.python(variant.peer), *_seeding(variant)]
        headers = json.loads(run(seeding, folder, environment).splitlines()[-1])
    return launch(bench, variant, folder, environment, headers)


def prepare(bench: Bench, variant: Variant, environment: dict[str, str]) -> Path:
    """Return the folder that a variant runs in, its tables made and its modules on PYTHONPATH."""
    paths, folder = [str(APPS)], bench.scratch
    if variant.answers:
        folder = bench.service(variant.answers)
        paths.append(str(folder))
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    if variant.answers:
        run([bench.python(variant.peer), "-m", "app", "db", "upgrade"], folder, environment)
    return folder


def launch(
    bench: Bench,
    variant: Variant,
    folder: Path,
    environment: Mapping[str, str],
    headers: list[list[str]],
) -> Running:
    """Start one server of what is prepared, and wait until it answers."""
    port = free_port()
    command = [bench.python(variant.peer), "-m", "uvicorn", variant.app, "--port", str(port)]
    command += ["--no-server-header"]
    command += ["--workers", str(variant.workers)] if variant.workers > 1 else []
    command += ["--factory"] if variant.answers else []
    command += [] if variant.logs else ["--no-access-log"]
    with (bench.scratch / "uvicorn.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    _wait_until_ready(process, port)
    return Running(process, port, headers)


def stop(running: Running) -> None:
    """End a server and its workers."""
    running.process.terminate()
    try:
        running.process.wait(15)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()


def _seeding(variant: Variant) -> list[str]:
    module = variant.app.partition(":")[0]
    # What only verifies shares the tokens of the plain route.
    program = APPS / f"{'jwt_route' if module == 'jwt_redis' else module}.py"
    return [str(program), *([variant.caller] if variant.answers else [])]


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Return what a program prints.

    Raises:
        RuntimeError: it failed, or did not end in time.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=READY_AFTER,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{command[1:]} did not end in {READY_AFTER} s") from error
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + READY_AFTER
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    process.kill()
    raise RuntimeError("the server does not answer; its log ends the scratch folder")


def family(pid: int) -> Iterator[int]:
    """Yield a process and everything that it started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
