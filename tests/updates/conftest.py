"""One scratch clone for all tests of updates."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.matrix.questions import ROOT
from tests.updates.scratch import Origin, make_origin, make_service


@pytest.fixture(scope="session", autouse=True)
def uv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put a stand-in for uv on PATH, which locks what the template's seed lock says."""
    script = tmp_path_factory.mktemp("uv") / "uv"
    seed = ROOT / "template" / "uv.lock"
    lines = [
        f"#!{sys.executable}",
        "import shutil, sys",
        "assert sys.argv[1] == 'lock'",
        f"shutil.copy({str(seed)!r}, 'uv.lock')",
    ]
    script.write_text("\n".join([*lines, ""]), "utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The template with every release tagged; tests plant nothing in it."""
    return make_origin(tmp_path_factory.mktemp("origin") / "template")


@pytest.fixture
def origin(released: Origin, tmp_path: Path) -> Origin:
    """A clone of it for one test, to plant releases in."""
    return released.copy(tmp_path / "template")


@pytest.fixture
def service(origin: Origin, tmp_path: Path) -> Path:
    """A service with the default answers, made from the tree as it lies here."""
    return make_service(origin, tmp_path / "service")
