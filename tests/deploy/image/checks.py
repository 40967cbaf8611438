"""What the image says of itself, and what lies in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.deploy.image.containers import USER, Container

# Whatever could install or compile more, and what has no business in production.
UNWANTED = """
import importlib.util, os, pathlib, shutil
programs = ["pip", "pip3", "uv", "gcc", "cc", "g++", "make", "ld", "git", "curl", "wget"]
found = [p for p in programs if shutil.which(p)]
found += [m for m in ("pip", "ensurepip", "setuptools", "pytest") if importlib.util.find_spec(m)]
found += [f for f in ("tests", "hooks", ".git", ".env", "uv.lock") if pathlib.Path(f).exists()]
print(*found)
"""
# Folders that the service could write to although it runs from them.
WRITABLE = """
import os
print(*[top for top, _, _ in [("/etc", 0, 0), *os.walk("/srv")] if os.access(top, os.W_OK)])
"""
SECRET_WORDS = ("SECRET", "PASSWORD", "TOKEN", "KEY", "DATABASE_URL", "REDIS_URL")


def promises(config: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield what must be so of an image's configuration, and whether it is."""
    command = config["Cmd"]
    yield f"runs as {config['User']}", int(config["User"].partition(":")[0]) >= USER
    yield f"its command is no shell: {' '.join(command[:3])} ...", command[0] == "uvicorn"
    named = [each for each in config["Env"] if any(word in each for word in SECRET_WORDS)]
    yield "no secret in its environment", not named


def contents(container: Container) -> Iterator[tuple[str, bool]]:
    """Yield what must be so inside a container, and whether it is."""
    yield f"its commands run as {USER}", container.run("id", "-u") == str(USER)
    found = container.run("python", "-c", UNWANTED)
    yield f"nothing in it installs, compiles or tests: {found or 'none found'}", not found
    writable = container.run("python", "-c", WRITABLE)
    yield f"it can write to none of its own folders: {writable or 'none'}", not writable


def healthcheck(config: Mapping[str, Any], container: Container, port: int) -> bool:
    """Run the health check of the image against a port other than its own."""
    kind, *command = config["Healthcheck"]["Test"]
    assert kind == "CMD"
    container.run(*(word.replace(":8000/", f":{port}/") for word in command))
    return True
