"""Writes template/uv.lock: the tested versions of everything that any combination depends on.

A service starts with this lock; its first `uv sync` drops what its answers do not need and keeps
the versions of the rest.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from tools.ownership import ROOT, TEMPLATE

PYPROJECT = TEMPLATE / "pyproject.toml.jinja"
SEED = TEMPLATE / "uv.lock"
NAME = "gatehouse-service"


def union_pyproject() -> str:
    """Return the service's pyproject with the dependencies of all answers at once."""
    text = PYPROJECT.read_text("utf-8")
    text = re.sub(r"^{%- .* %}\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^(name|description) = {{.*}}$", rf'\1 = "{NAME}"', text, flags=re.MULTILINE)


def main() -> None:
    """Lock the union, preferring the versions that the template's own lock has."""
    parser = argparse.ArgumentParser(prog="python -m tools.seed_lock")
    parser.add_argument("--uv", required=True, help="the uv program")
    uv = parser.parse_args().uv
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(union_pyproject(), "utf-8")
        # Versions in a lock that is already there are kept: both locks then name the same ones.
        shutil.copyfile(ROOT / "uv.lock", folder / "uv.lock")
        subprocess.run([uv, "lock", "--quiet", "--project", folder], check=True)
        shutil.copyfile(folder / "uv.lock", SEED)
    packages = tomllib.loads(SEED.read_text("utf-8"))["package"]
    print(f"{SEED.relative_to(ROOT)}: {len(packages)} packages")


if __name__ == "__main__":
    main()
