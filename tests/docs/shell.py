"""Runs a page's commands in order: one folder, one set of variables, a server in the background.

Nothing is installed: `uv` and `uvx` are small stand-ins here that use the environment of these
tests, where everything that a service needs is, so that a page costs seconds and no network.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.docs.pages import Block

BLOCK_SECONDS = 120
START_SECONDS = 120
STOP_SECONDS = 15

_UV = """#!/bin/bash
case $1 in
  sync | lock) echo "uv $1: the environment of the tests stands in" >&2 ;;
  run) shift; while [[ $1 == --* ]]; do shift; done; exec "$@" ;;
  *) echo "no stand-in for uv $1" >&2; exit 2 ;;
esac
"""
# Without questions, and from this template whatever the page calls it.
_UVX = """#!/bin/bash
[[ $1 == copier && $2 == copy ]] || {{ echo "no stand-in for uvx $*" >&2; exit 2; }}
exec copier copy --quiet --defaults {template} "${{@: -1}}"
"""


class CommandFailed(AssertionError):
    """A block did not do what its page says."""


class Shell:
    """What a reader has: a terminal in a folder, and a second one in which the server runs.

    Args:
        directory: where the reader is.
        scratch: for the shell's own files.
        template: what `uvx copier copy` copies.
        variables: what notes of `by hand` may use beside SERVER_LOG.
    """

    def __init__(
        self, directory: Path, scratch: Path, template: Path, variables: Mapping[str, str]
    ) -> None:
        self.log = scratch / "server.log"
        self._state = scratch / "state.sh"
        self._folder = scratch / "folder"
        self._folder.write_text(str(directory))
        self._port = str(_free_port())
        self._server: subprocess.Popen[bytes] | None = None
        stand_ins = scratch / "bin"
        stand_ins.mkdir()
        for name, text in (("uv", _UV), ("uvx", _UVX.format(template=template))):
            (stand_ins / name).write_text(text)
            (stand_ins / name).chmod(0o755)
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        self._environment = {
            **kept,
            "PATH": f"{stand_ins}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(scratch),
            "UVICORN_PORT": self._port,
            "SERVER_LOG": str(self.log),
            **variables,
            # A reader has told git their name.
            **{f"GIT_{who}_NAME": "Reader" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "reader@example.com" for who in ("AUTHOR", "COMMITTER")},
        }

    def __enter__(self) -> "Shell":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop_server()

    def run(self, block: Block) -> None:
        """Do what a block says, and compare what came out with what the page shows.

        Raises:
            CommandFailed: it ended otherwise than the page says.
        """
        match block.how:
            case "not run":
                return
            case "file":
                target = Path(self._folder.read_text().strip()) / block.detail
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(self._here(block.code))
            case "server":
                self._start_server(self._here(block.code), self._here(block.detail))
            case "" | "fails" | "by hand":
                self._run_command(block)
            case _:
                raise CommandFailed(f"no such note: {block.how}")

    def _run_command(self, block: Block) -> None:
        code = block.detail if block.how == "by hand" else block.code
        if block.language == "python":
            code = f"python - <<'END_OF_PROGRAM'\n{code}END_OF_PROGRAM\n"
        done = subprocess.run(
            ["bash", "-c", self._prelude() + self._here(code)],  # noqa: S607 - bash of the PATH
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=BLOCK_SECONDS,
            check=False,
            text=True,
        )
        if (done.returncode != 0) != (block.how == "fails"):
            said = f"{done.stdout}{done.stderr}{self._log_tail()}"
            raise CommandFailed(f"ended with {done.returncode}:\n{said}")
        if block.output is not None and not _fits(self._here(block.output), done.stdout):
            came = f"{done.stdout}\nand on standard error:\n{done.stderr}"
            raise CommandFailed(f"the page shows:\n{block.output}\nbut out came:\n{came}")

    def _prelude(self) -> str:
        """Go on where the block before ended: its folder, and its variables, all exported."""
        return (
            f"set -aeo pipefail; [ -e {self._state} ] && . {self._state}; "
            f'cd "$(cat {self._folder})"; '
            f"trap '{{ declare -px; declare -f; }} >{self._state}; pwd >{self._folder}' EXIT\n"
        )

    def _start_server(self, code: str, address: str) -> None:
        self.stop_server()
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                ["bash", "-c", f"{self._prelude()}trap - EXIT\n{code}"],  # noqa: S607
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not _answers(address):
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(f"the server did not start{self._log_tail()}")
            time.sleep(0.1)

    def stop_server(self) -> None:
        """End the server, and whatever it started."""
        if self._server is None:
            return
        if self._server.poll() is None:
            os.killpg(self._server.pid, signal.SIGTERM)
            try:
                self._server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._server.pid, signal.SIGKILL)
                self._server.wait()
        self._server = None

    def _here(self, text: str) -> str:
        """Return a text with a free port instead of the one that the pages use."""
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self._port}")

    def _log_tail(self) -> str:
        if not self.log.exists():
            return ""
        return f"\nserver:\n{self.log.read_text(errors='replace')[-3000:]}"


def _fits(shown: str, came: str) -> bool:
    """Tell whether an output is the shown one: "..." is anything, spaces may be more or fewer."""
    wanted, got = (re.sub(r" +", " ", text.strip()) for text in (shown, came))
    parts = [re.escape(part) for part in wanted.split("...")]
    return re.fullmatch(".*?".join(parts), got, re.DOTALL) is not None


def _answers(address: str) -> bool:
    try:
        # An address of a page of ours, always of this machine.
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310
            return True
    except urllib.error.HTTPError as answer:
        answer.close()
        return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
