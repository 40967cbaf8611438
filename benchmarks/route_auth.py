"""How long the route checker takes on a rendered service and on 350,000 lines, beside ruff.

python -m benchmarks.route_auth [FOLDER ...]; prints figures, fails above the ceilings. The large
program is made: packages of routers and of plain modules as large as real ones, every include
guarded but one. A folder that is given is measured as well, with its own pyproject.toml.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.matrix.questions import ROOT, defaults
from tests.matrix.rendering import render

CHECKER = ROOT / "hooks" / "route_auth.py"
SERVICE_CEILING = 0.100  # seconds of one core, the interpreter's start included
LARGE_CEILING = 2.5  # seconds of one core
LARGE_LINES = 350_000
RUNS = 7  # the fastest counts: the others measure what else the machine does
CONFIGURATION = """\
[tool.route-auth]
src = ["app"]
auth = ["app.auth.dependencies.get_current_user"]
"""
PUBLIC = 'public = ["app.core.public.public"]\n'
ROUTES = '''\
@router.get("/{number}/{{key}}")
async def read_{number}(key: str, user: CurrentUser, limit: int = 10) -> dict[str, object]:
    """Read one."""
    found = [one for one in range(limit) if one % 2 == {number}]
    if not found:
        raise HTTPException(404)
    return {{"key": key, "user": user, "found": found}}


'''
PLAIN = '''\
class Model{number}(Base):
    """A row."""

    name: str = "x"
    size: int = {number}

    def total(self, others: list[int]) -> int:
        """Add up."""
        result = self.size
        for other in others:
            result += other * {number}
        return result


'''


def main(folders: list[str]) -> int:
    """Measure and print; return 1 when a ceiling is passed."""
    with tempfile.TemporaryDirectory() as name:
        service = service_at(Path(name) / "service")
        large = large_at(Path(name) / "large")
        slow = report("rendered service", service) > SERVICE_CEILING
        slow |= report("large program", large) > LARGE_CEILING
    for folder in folders:
        report(folder, Path(folder))
    return int(slow)


def report(title: str, folder: Path) -> float:
    """Print the figures of one program; return the processor seconds of the checker."""
    files = [path for path in folder.rglob("*.py") if ".venv" not in path.parts]
    lines = sum(path.read_bytes().count(b"\n") for path in files)
    checker = fastest([sys.executable, str(CHECKER), "--output-format", "concise"], folder)
    print(f"{title}: {len(files)} files, {lines} lines")
    print(f"  route-auth {figures(checker)}")
    if ruff := shutil.which("ruff", path=str(Path(sys.executable).parent)):
        command = [ruff, "check", "--isolated", "--no-cache", "--quiet", "--exit-zero"]
        print(f"  ruff check {figures(fastest(command, folder))} (without its cache)")
    # One process on one core: on a machine that does nothing else the two are the same.
    return checker[1]


def figures(seconds: tuple[float, float]) -> str:
    """Return both times in words."""
    return f"{seconds[0] * 1000:6.0f} ms, {seconds[1] * 1000:6.0f} ms of processor time"


def fastest(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the seconds of the fastest of several runs: on the clock, and on the processor."""
    clock, processor = [], []
    for _ in range(RUNS):
        began, before = time.perf_counter(), os.times()
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
        after = os.times()
        clock.append(time.perf_counter() - began)
        used = after.children_user + after.children_system
        processor.append(used - before.children_user - before.children_system)
    return min(clock), min(processor)


def service_at(folder: Path) -> Path:
    """Render the default service with the configuration that it comes with."""
    render(defaults(), folder)
    file = folder / "pyproject.toml"
    text = file.read_text("utf-8")
    if "[tool.route-auth]" not in text:
        file.write_text(f"{text}\n{CONFIGURATION}{PUBLIC}", "utf-8")
    return folder


def large_at(folder: Path) -> Path:
    """Write a program of the large size: one file in four makes routes, the rest does not."""
    (folder / "app" / "auth").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(CONFIGURATION, "utf-8")
    (folder / "app" / "auth" / "dependencies.py").write_text(
        "from typing import Annotated\nfrom fastapi import Depends\n"
        "def get_current_user(): ...\nCurrentUser = Annotated[object, Depends(get_current_user)]\n",
        "utf-8",
    )
    modules: list[str] = []
    lines = 0
    while lines < LARGE_LINES:
        lines += write_module(folder, len(modules))
        modules.append(f"m{len(modules)}")
    routed = modules[::4]
    imports = "".join(f"from app import {name}\n" for name in routed)
    includes = "".join(f"app.include_router({n}.router, prefix='/{n}')\n" for n in routed)
    text = f"from fastapi import FastAPI\n{imports}app = FastAPI()\n{includes}"
    (folder / "app" / "main.py").write_text(text, "utf-8")
    return folder


def write_module(folder: Path, index: int) -> int:
    """Write one module of some 350 lines and return how many they are."""
    if index % 4 == 0:
        head = (
            "from fastapi import APIRouter, HTTPException\n"
            f"from app.auth.dependencies import CurrentUser\nfrom app.m{index + 1} import Model1\n"
            "router = APIRouter()\n\n\n"
        )
        text = head + "".join(ROUTES.format(number=number) for number in range(40))
    else:
        head = f"from app.m{index - 1} import *\n\n\nclass Base: ...\n\n\n"
        text = head + "".join(PLAIN.format(number=number) for number in range(25))
    (folder / "app" / f"m{index}.py").write_text(text, "utf-8")
    return text.count("\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
