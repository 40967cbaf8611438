"""How long safe_update takes beside one `copier copy`, the service's own checks left out.

python -m benchmarks.updating; prints figures, fails above the ceiling.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.updates.scratch import HEAD, IDENTITY, SAFE_UPDATE, git, make_origin, make_service

CEILING = 3.0  # Copier renders three times in an update: old, new, merged
RUNS = 3
LINE = "class Clock(Protocol):"


def main() -> int:
    """Measure and print; return 1 when an update became too slow."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        origin = make_origin(scratch / "template")
        service = make_service(origin, scratch / "service")
        origin.replace("template/app/core/clock.py", LINE, f"{LINE}  # x")
        origin.release("99.1.0")
        copier = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet"]
        copier += ["--vcs-ref", HEAD, str(origin.path)]
        folders = iter(range(RUNS))
        copy = best(lambda: [*copier, str(scratch / f"copy-{next(folders)}")], service)
        words = [sys.executable, str(SAFE_UPDATE), "--no-tests"]
        update = best(lambda: words, service, lambda: git(service, "reset", "--hard", "--quiet"))
    print(f"copier copy           {copy:8.2f} s")
    print(f"safe_update           {update:8.2f} s   (checks left out)")
    print(f"ratio                 {update / copy:8.2f}     (ceiling {CEILING:.0f})")
    return 0 if update / copy <= CEILING else 1


def best(
    command: Callable[[], Sequence[str]], folder: Path, undo: Callable[[], object] = lambda: None
) -> float:
    """Return the seconds that a command takes, at best.

    Args:
        command: gives its words, for each run anew.
        folder: where it runs.
        undo: brings the folder back to how it was.
    """
    times = []
    for _ in range(RUNS):
        words = command()
        began = time.perf_counter()
        environment = {**os.environ, **IDENTITY}
        subprocess.run(words, cwd=folder, check=True, env=environment, capture_output=True)
        times.append(time.perf_counter() - began)
        undo()
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
