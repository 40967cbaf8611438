# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Worker processes of the service, forked from one that has imported it.

Importing takes each process seconds, and the tests start hundreds. Nothing is set up at import: a
fork reads its settings, builds its app and opens its connections itself, as any new process does.
"""

import multiprocessing
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from tests.auth.support.processes import Process, Server

APP = "tests.auth.support.worker:create"

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__, APP.partition(":")[0]])


class Worker(Server):
    """One process of the service.

    Args:
        host: the address to listen at.
        port: the port to listen at.
        is_ready: tells whether the process answers.
        log: the file that takes the output.
        environment: the whole environment of the process.
    """

    def __init__(
        self,
        host: str,
        port: int,
        is_ready: Callable[[], bool],
        log: Path,
        environment: dict[str, str],
    ) -> None:
        super().__init__([APP], f"http://{host}:{port}", is_ready, log)
        self._arguments = (host, port, log, environment)

    def _begin(self) -> Process:
        return _Forked(*self._arguments)


class _Forked:
    def __init__(self, *arguments: object) -> None:
        self._process = CONTEXT.Process(target=_serve, args=arguments)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None, "a started process has one"
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        # The fork server may have buried it between the question and the signal.
        with suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, sig)

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(APP, timeout)
        return code


def _serve(host: str, port: int, log: Path, environment: dict[str, str]) -> None:
    os.setsid()
    with log.open("ab", buffering=0) as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    os.environ.clear()
    os.environ.update(environment)
    uvicorn.run(APP, factory=True, host=host, port=port, server_header=False, proxy_headers=False)
