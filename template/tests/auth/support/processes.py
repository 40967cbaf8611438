# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A server process that belongs to the tests and that a test may stop, kill, pause and restart."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

START_SECONDS = 60.0  # a loaded machine; starting takes well under a second
STOP_SECONDS = 10.0


class Process(Protocol):
    """What a `Server` needs of a process, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """The process id."""

    def poll(self) -> int | None:
        """Return the exit code, or None while the process exists."""

    def send_signal(self, sig: int) -> None:
        """Send a signal to the process, unless it has ended."""

    def wait(self, timeout: float) -> int:
        """Wait until the process has ended; return its exit code."""


class Server:
    """One process with an address, ended by its own process id and never by its name.

    Args:
        command: the program and its arguments.
        url: where clients find the server once it runs.
        is_ready: tells whether the server answers.
        log: the file that takes the server's output.
        stop_signal: what makes the server shut down without waiting for its clients.
        user: the account to run as, or None for the current one.
        environment: its environment, or None for that of the tests.
    """

    def __init__(
        self,
        command: list[str],
        url: str,
        is_ready: Callable[[], bool],
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        user: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.url = url
        self._command = command
        self._is_ready = is_ready
        self._log = log
        self._stop_signal = stop_signal
        self._user = user
        self._environment = environment
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process exists (a paused one does)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self._process = self._begin()

    def _begin(self) -> Process:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                env=self._environment,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until a launched process answers.

        Raises:
            RuntimeError: it ended, or did not answer in time; with its output.
        """
        assert self._process is not None, "the server is not running"
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self._command[0]} did not start:\n{self._log.read_text()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End the process in an orderly way and wait for it."""
        self._end(self._stop_signal)

    def kill(self) -> None:
        """End the process as a crash would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze the process: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)  # a paused process cannot end
        self._process.wait(STOP_SECONDS)
        self._process = None
