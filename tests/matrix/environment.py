"""Makes the environment of the service in the current folder: environment.py UV PYTHON_VERSION.

Works without a network when uv's cache holds the packages, and checks that the versions are those
of the seed lock: a service prunes that lock, it must not choose anew.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

LOCK = Path("uv.lock")


def versions() -> set[tuple[str, str]]:
    """Return what the lock file in this folder holds, apart from the service itself."""
    packages = tomllib.loads(LOCK.read_text("utf-8"))["package"]
    return {(p["name"], p["version"]) for p in packages if "registry" in p["source"]}


def main(uv: str, python: str) -> int:
    """Make .venv; return 0, or 1 with a sentence that says what went wrong."""
    seed = versions()
    sync = [uv, "sync", "--quiet", "--python", python]
    if subprocess.run([*sync, "--offline"], capture_output=True, check=False).returncode:
        done = subprocess.run(sync, check=False)
        if done.returncode:
            print("uv sync failed, with the network as well as without")
            return 1
    if chosen_anew := versions() - seed:
        print(f"The seed lock lacks {sorted(chosen_anew)}: run make lock")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
