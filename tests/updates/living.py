"""Runs stories/living.py.txt in a service: what is alive and what is revoked, across updates."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.matrix.jobs import BYTECODE

STORY = Path(__file__).with_name("stories") / "living.py.txt"
# What a service answers to what was made before an update, unless something says otherwise.
KEPT = {
    "access": 200,
    "refresh": 200,
    "access_after_refresh": 200,
    "items": ["kept"],
    "login": 200,
    "revoked_access": [401, 401],
    "revoked_refresh": [400, 400],
}


@dataclass(frozen=True)
class Living:
    """A database, and a Redis where the service has one, that outlive the code.

    Attributes:
        folder: keeps what each run leaves.
        database_url: of a database that the runs share.
        redis_url: empty where a process keeps the deny-list.
    """

    folder: Path
    database_url: str
    redis_url: str = ""

    def make(self, service: Path) -> None:
        """Log accounts in, and use and revoke some of what came out."""
        self._run(service, "make")

    def check(self, service: Path) -> dict[str, Any]:
        """Return what the service answers now to what the last `make` left."""
        answers: dict[str, Any] = json.loads(self._run(service, "check"))
        return answers

    def _run(self, service: Path, verb: str) -> str:
        environment = {
            **os.environ,
            **BYTECODE,
            "LIVING_DATABASE_URL": self.database_url,
            "LIVING_REDIS_URL": self.redis_url,
        }
        done = subprocess.run(
            [sys.executable, str(STORY), verb, str(self.folder / "state.json")],
            cwd=service,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1] if done.stdout else ""
