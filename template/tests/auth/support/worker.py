# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The app of a worker process: as production builds it, on the clock that the tests move."""

import os
from pathlib import Path

from fastapi import FastAPI

from app.main import create as create_app
from app.scopes import SCOPES
from tests.auth.support import probe
from tests.auth.support.clock import FileClock

CLOCK_VARIABLE = "TEST_CLOCK_FILE"


def create() -> FastAPI:
    """Build the app, with the probe beside it; uvicorn calls this in each worker process."""
    SCOPES.update(probe.SCOPES)
    return probe.with_probe(create_app(clock=FileClock(Path(os.environ[CLOCK_VARIABLE]))))
