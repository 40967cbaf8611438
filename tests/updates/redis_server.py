"""A Redis that outlives the code of a service; none where the machine has no program for it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.matrix.servers import REDIS_PROGRAMS

START_SECONDS = 10


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis behind a socket; yield its address, or nothing where there is no program."""
    program = next(filter(None, map(shutil.which, REDIS_PROGRAMS)), None)
    if program is None:
        assert not os.environ.get("REQUIRE_REAL_SERVICES"), "no Redis on this machine"
        yield ""
        return
    # The path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        socket = Path(name) / "redis.sock"
        words = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
        with (folder / "redis.log").open("wb") as log:
            process = subprocess.Popen([program, *words], stdout=log, cwd=name)
        try:
            end = time.monotonic() + START_SECONDS
            while not socket.exists():
                assert time.monotonic() < end, "Redis did not start"
                time.sleep(0.02)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait()
