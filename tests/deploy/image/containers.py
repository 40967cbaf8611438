"""A container of the image: commands in it, and its own process."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.deploy.image.building import APP, Buildah
from tests.deploy.waiting import answers, until

USER = 10001


class Container:
    """What runs from the image, with this machine's network.

    Args:
        buildah: made the image.
        variables: the environment that compose.yaml gives.
        secrets: stands for /run/secrets.
        also: a folder that it sees under the same path: the socket of PostgreSQL.
        log: the file that takes what the service writes.
    """

    def __init__(
        self, buildah: Buildah, variables: Mapping[str, str], secrets: Path, also: Path, log: Path
    ) -> None:
        self._buildah = buildah
        self._name = buildah("from", APP)
        self._options = ["--volume", f"{secrets}:/run/secrets:ro", "--volume", f"{also}:{also}:rw"]
        for name, value in variables.items():
            self._options += ["--env", f"{name}={value}"]
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def run(self, *command: str, owner: Path | None = None) -> str:
        """Run a command in it; return what it printed.

        Args:
            command: the command.
            owner: the file that stands in for /run/secrets/database_url, as for the migrations.
        """
        instead = ["--volume", f"{owner}:/run/secrets/database_url:ro"] if owner else []
        return self._buildah("run", *self._options, *instead, self._name, "--", *command)

    def start(self, port: int) -> float:
        """Start what the image says, on a port; return after how many seconds it was ready."""
        command = [*self._buildah.config(APP)["Cmd"], "--port", str(port)]
        words = ["run", *self._options, self._name, "--", *command]
        with self._log.open("ab") as log:
            self._process = self._buildah.start(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            return until(lambda: answers(f"http://localhost:{port}/readyz"), "/readyz")
        except SystemExit as late:
            raise SystemExit(f"{late}\n{self._log.read_text()[-5000:]}") from None

    @property
    def pid(self) -> int:
        """The process of the service, which in a container has the number 1."""
        assert self._process
        return next(p for p in _descendants(self._process.pid) if _status(p, "Uid") == f"{USER}")

    def capabilities(self) -> int:
        """Return the capabilities of the running service, as bits."""
        return int(_status(self.pid, "CapEff"), 16)

    def stop(self) -> tuple[float, str]:
        """Ask it to stop, as a platform does; return the seconds it took and how it ended.

        uvicorn ends in good order and then by the signal that it got: "terminated", not "killed".
        """
        assert self._process
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        self._process.wait(60)
        self._process = None
        ended = re.findall(r"subprocess exited on (\w+)", self._log.read_text())
        return time.monotonic() - began, " ".join(ended)

    def end(self) -> None:
        """End it whatever it does, and remove it."""
        if self._process and self._process.poll() is None:
            for pid in [*_descendants(self._process.pid), self._process.pid]:
                os.kill(pid, signal.SIGKILL)
            self._process.wait()
        self._buildah("rm", self._name)


def _descendants(pid: int) -> list[int]:
    """Return the processes below one; any of its threads may have started them."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += [*_descendants(int(child)), int(child)]
    return found


def _status(pid: int, field: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{field}:"))
