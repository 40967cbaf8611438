"""The service of the how-to pages about updates: a newer release closes a weakness of it."""

import compileall
import os
import subprocess
import sys
from pathlib import Path

from tests.updates.scratch import make_origin, make_service, refresh_manifest

FILE = "app/core/clock.py"
ENTRY = (
    "### Security\n\n#### A clock could be wrong\n- Affected: before 99.1.0\n"
    f"- Files: {FILE}\n- Action: look at the log of last week"
)


def service_before_an_update(folder: Path) -> Path:
    """Make the service, with secrets and tables, and release the fix."""
    origin = make_origin(folder / "template")
    service = make_service(origin, folder / "service")
    environment = {name: v for name, v in os.environ.items() if name != "DATABASE_URL"}
    for command in (["bootstrap"], ["db", "upgrade"]):
        words = [sys.executable, "-m", "app", *command]
        subprocess.run(words, cwd=service, env=environment, check=True, capture_output=True)
    compileall.compile_dir(service / "app", quiet=2)
    line = "class Clock(Protocol):"
    origin.replace(f"template/{FILE}", line, f"{line}  # never behind")
    refresh_manifest(origin.path)
    origin.release("99.1.0", ENTRY)
    return service
