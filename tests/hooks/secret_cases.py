"""What the tests of check_secrets share."""

import json
import runpy
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.matrix.questions import ROOT

CHECK = ROOT / "hooks" / "check_secrets.py"
SECRET = secrets.token_urlsafe(32)
# check-secrets: allow it is what the check looks for
KNOWN = "my-32-character-ultra-secure-and-ultra-long-secret"
FORMAT = ROOT / "template" / "app" / "auth" / "api_key_format.py"


def run_check(directory: Path, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Run the check; return its exit code and its findings."""
    done = say(directory, "--output-format", "json", *words)
    return done.returncode, json.loads(done.stdout) if done.stdout else []


def say(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the check with some words of its command line."""
    return subprocess.run(
        [sys.executable, str(CHECK), *words],
        cwd=directory, capture_output=True, text=True, check=False,
    )  # fmt: skip


def fill_in(text: str) -> bytes:
    """Put secrets where a case has their place, so that this repository holds none."""
    return text.replace("@SECRET@", SECRET).replace("@KNOWN@", KNOWN).encode()


def api_key(kind: str) -> str:
    """Return a key as a service makes it, by the service's own code."""
    made: tuple[str, object] = runpy.run_path(str(FORMAT))["make_key"](kind)
    return made[0]
