"""What a run works on, and what it says of it."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.deploy.image.building import Buildah
from tests.deploy.image.containers import Container
from tests.deploy.image.stores import COMPOSE, compose, free_port, settings_env


class Report:
    """What was done and seen, sentence by sentence."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.broken: list[str] = []

    def say(self, sentence: str) -> None:
        """Print and keep a sentence."""
        print(f"- {sentence}", flush=True)
        self.done.append(sentence)

    def require(self, holds: bool, sentence: str) -> None:
        """Say a sentence, and whether it is so."""
        self.say(sentence if holds else f"NOT SO: {sentence}")
        if not holds:
            self.broken.append(sentence)


class Stage:
    """Where it happens: a service, its image, ports, and secrets as containers see them."""

    def __init__(self, scratch: Path, service: Path, buildah: Buildah) -> None:
        self.scratch, self.service, self.buildah = scratch, service, buildah
        self.secrets = scratch / "secrets"
        self.secrets.mkdir()
        self.port, self.public = free_port(), free_port()
        self.address = f"http://localhost:{self.public}"

    def secrets_command(self, *words: str) -> None:
        """Run secrets.sh."""
        script = self.service / COMPOSE / "secrets.sh"
        subprocess.run(["/bin/sh", script, *words], check=True, stdout=subprocess.DEVNULL)

    def rotate_secret_key(self) -> None:
        """Make a new SECRET_KEY and put it, and the old one, where new containers look."""
        self.secrets_command("rotate")
        for name in ("secret_key", "secret_key_previous"):
            (self.secrets / name).unlink()
            shutil.copy(self.service / COMPOSE / "secrets" / name, self.secrets)

    def variables(self) -> Mapping[str, str]:
        """Return the environment of `app` in compose.yaml, with the proxy's address here."""
        given: Mapping[str, str] = compose(self.service)["services"]["app"]["environment"]
        return {**settings_env(self.service), **given, "TRUSTED_PROXIES": "127.0.0.1/32"}

    def container(self, socket_folder: Path) -> Container:
        """Make a container with what compose.yaml gives to the service."""
        log = self.scratch / "service.log"
        return Container(self.buildah, self.variables(), self.secrets, socket_folder, log)
