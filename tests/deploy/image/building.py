"""Images by buildah in a folder of its own, from packages of Debian instead of a registry's."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# What the base image of the Dockerfile brings; it has Debian 13 and Python 3.13 as well.
SUITE, PACKAGES = "trixie", "ca-certificates,python3"
BASE, UV, APP = "localhost/base", "localhost/uv", "localhost/app"


class Buildah:
    """buildah with its storage in a folder; what it makes is gone with the folder.

    Args:
        folder: takes images and containers.
    """

    def __init__(self, folder: Path) -> None:
        self._options = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]
        # Needs no daemon, no overlay file system and no user namespace.
        self._environment = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}

    def __call__(self, *words: str | Path) -> str:
        """Run a command to its end; return what it printed.

        Raises:
            SystemExit: it failed; with what it said.
        """
        done = self.start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, error = done.communicate()
        if done.returncode:
            raise SystemExit(f"buildah {' '.join(map(str, words))}:\n{out}{error}")
        return out.strip()

    def start(self, words: Sequence[str | Path], **options: Any) -> "subprocess.Popen[str]":
        """Start a command."""
        command = ["buildah", *self._options, *map(str, words)]
        return subprocess.Popen(command, env=self._environment, text=True, **options)

    def config(self, image: str) -> Mapping[str, Any]:
        """Return what an image says of itself: Cmd, User, Env, Healthcheck."""
        found: Mapping[str, Any] = json.loads(self("inspect", "--type", "image", image))
        return found["Docker"]["config"]  # type: ignore[no-any-return]


def root_of_debian(target: Path) -> Path:
    """Return an archive of Debian's files; made once, since that takes minutes."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}"]
        unfinished = target.with_suffix(".unfinished.tar")
        subprocess.run([*command, SUITE, str(unfinished)], check=True)
        unfinished.rename(target)
    return target


def make_bases(buildah: Buildah, debian: Path, uv: Path) -> None:
    """Make the two images that the Dockerfile takes as arguments."""
    for image, command, source, target in (
        (BASE, "add", debian, "/"),
        (UV, "copy", uv, "/uv"),
    ):
        container = buildah("from", "scratch")
        buildah(command, "--quiet", container, source, target)
        buildah("commit", "--quiet", container, image)
        buildah("rm", container)


def build(buildah: Buildah, service: Path) -> None:
    """Build the image of a service by its own Dockerfile, behind this machine's certificates."""
    arguments = [f"PYTHON_IMAGE={BASE}", f"UV_IMAGE={UV}"]
    if index := os.environ.get("UV_DEFAULT_INDEX"):
        arguments.append(f"UV_DEFAULT_INDEX={index}")
    words: list[str | Path] = ["build", "--quiet", "--format", "docker", "--tag", APP]
    for argument in arguments:
        words += ["--build-arg", argument]
    if certificates := os.environ.get("SSL_CERT_FILE"):
        words += ["--secret", f"id=certificates,src={certificates}"]
    buildah(*words, service)


def missing_programs() -> list[str]:
    """Return which of the programs that this needs the machine has not."""
    needed = ("buildah", "mmdebstrap", "caddy", "redis-server")
    return [name for name in needed if shutil.which(name) is None]
