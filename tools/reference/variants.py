"""What services are made of, and with which answers: each of a few renderings describes itself."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.matrix.questions import Answer, Answers, defaults, options, spell
from tests.matrix.rendering import Rendering, render

DESCRIBE = Path(__file__).with_name("describe.py")
KEYS = {
    "settings": "name",
    "endpoints": "route",
    "commands": "name",
    "metrics": "name",
    "errors": "error",
}


@dataclass
class Item:
    """One setting, endpoint, command, number or error.

    Attributes:
        facts: what the service says of it.
        present: whether it is there, by question and answer, all other answers being the defaults.
    """

    facts: dict[str, Any]
    present: dict[str, dict[Answer, bool]] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """With which answers it is there, as Markdown; "" when it always is."""
        return ", ".join(
            f"`{question}` = {' or '.join(_word(answer) for answer in holds if holds[answer])}"
            for question, holds in self.present.items()
            if not all(holds.values()) and any(holds.values())
        )


def describe() -> dict[str, list[Item]]:
    """Return all items by kind, in the order of the service with the default answers."""
    found: dict[str, dict[str, Item]] = {kind: {} for kind in KEYS}
    variants = dict(_variants())
    for description in variants.values():
        for kind, key in KEYS.items():
            for facts in description[kind]:
                found[kind].setdefault(facts[key], Item(facts))
    for (question, answer), description in variants.items():
        for kind, key in KEYS.items():
            there = {facts[key] for facts in description[kind]}
            for name, item in found[kind].items():
                item.present.setdefault(question, {})[answer] = name in there
    return {kind: list(items.values()) for kind, items in found.items()}


def _variants() -> Iterator[tuple[tuple[str, Answer], dict[str, Any]]]:
    """Yield every answer to every question with what the service with it is made of."""
    described: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for question, answers in options().items():
            for answer in answers:
                if isinstance(answer, tuple) and len(answer) > 1:
                    continue  # several values add what each of them adds
                chosen: Answers = {**defaults(), question: answer}
                rendering = render(chosen, Path(folder) / f"{question}-{spell(answer)}")
                digest = _digest(rendering)
                if digest not in described:
                    described[digest] = _ask(rendering.directory)
                yield (question, answer), described[digest]


def _digest(rendering: Rendering) -> str:
    """Return the same text for services that describe themselves alike."""
    told = [
        f"{path} {d}" for path, d in rendering.files.items() if path.startswith(("app/", ".env"))
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _ask(service: Path) -> dict[str, Any]:
    # Settings of the machine that this runs on must not show.
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, str(DESCRIBE)],
        cwd=service,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    description: dict[str, Any] = json.loads(done.stdout)
    return description


def _word(answer: Answer) -> str:
    return f"`{spell(answer)}`"
