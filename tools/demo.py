"""Renders a service with the default answers, installs it, makes its secrets and starts it."""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import copier

from tools.ownership import ROOT


def main() -> int:
    """Do what a new user does by hand, one printed command after the other."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo")
    parser.add_argument("--uv", required=True, help="the uv program")
    parser.add_argument("--directory", type=Path, required=True, help="takes the service")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    directory: Path = arguments.directory.resolve()
    if not (directory / ".copier-answers.yml").exists():
        if directory.exists() and any(directory.iterdir()):
            print(f"{directory} is not empty and holds no service; name another one with DIR=...")
            return 1
        copier.run_copy(
            str(ROOT),
            directory,
            vcs_ref="HEAD",
            defaults=True,
            quiet=True,
            settings=copier.Settings(),
        )
        print(f"rendered into {directory}")
    return _start(arguments.uv, directory, arguments.port)


def _start(uv: str, directory: Path, port: int) -> int:
    # An activated environment of the caller, this tool's included, is not the service's.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}

    def run(*command: str) -> int:
        print(f"$ {shlex.join(command)}", flush=True)
        return subprocess.run(command, cwd=directory, env=environment, check=False).returncode

    python = (uv, "run", "--no-sync", "python", "-m")
    prepared = (
        run(uv, "sync", "--quiet")
        or (0 if (directory / ".env").exists() else run(*python, "app", "bootstrap"))
        or run(*python, "app", "db", "upgrade")
    )
    if prepared:
        return 1
    address = f"http://127.0.0.1:{port}"
    print(f"\n  documentation page: {address}/docs\n  stop with Ctrl-C\n", flush=True)
    try:
        return run(*python, "uvicorn", "app.main:create", "--factory", "--port", str(port))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
