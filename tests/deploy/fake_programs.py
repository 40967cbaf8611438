"""Programs of a platform that is not here: they write down how they were called."""

import os
from collections.abc import Callable
from pathlib import Path

RECORD = """\
#!/usr/bin/env bash
printf '%s' "$(basename "$0")" >> "$CALLS"
printf ' %s' "$@" >> "$CALLS"
echo >> "$CALLS"
"""


def put_on_path(directory: Path, **programs: str) -> tuple[dict[str, str], Callable[[], list[str]]]:
    """Make programs that record each call, then do what their text says.

    Returns:
        The environment in which they come first, and what tells the calls so far, one a line.
    """
    folder = directory / "bin"
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(RECORD + text, "utf-8")
        (folder / name).chmod(0o755)
    record = directory / "calls"
    record.touch()
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(record)}
    return environment, lambda: record.read_text("utf-8").splitlines()
