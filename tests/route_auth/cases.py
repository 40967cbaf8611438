"""The corpus: small programs in text files, one for each way to register, protect and break."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
PYPROJECT = """\
[tool.route-auth]
src = ["."]
auth = ["auth.get_current_user"]
optional = ["auth.get_optional_user"]
public = ["auth.public"]
wrappers = ["auth.login_required"]
"""


@dataclass
class Case:
    """One program.

    Attributes:
        codes: the codes that the checker must report, when the case is about them.
        known: a difference between checker and truth that is accepted, and why.
    """

    name: str
    files: dict[str, str] = field(default_factory=dict)
    codes: set[str] | None = None
    known: str = ""

    def write(self, folder: Path) -> None:
        """Write the program's files."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def load() -> list[Case]:
    """Read every case of the corpus."""
    texts = [path.read_text() for path in sorted(FOLDER.glob("*.cases"))]
    blocks = re.split(r"^=== ", "\n".join(texts), flags=re.MULTILINE)[1:]
    return [_parse(block) for block in blocks]


def _parse(block: str) -> Case:
    name, _, body = block.partition("\n")
    case = Case(name.strip())
    lines = []
    for line in body.splitlines():
        if line.startswith("codes: "):
            case.codes = set(line.removeprefix("codes: ").split())
        elif line.startswith("known: "):
            case.known = line.removeprefix("known: ")
        else:
            lines.append(line)
    parts = re.split(r"^--- (.*)$", "\n".join(lines), flags=re.MULTILINE)
    parts = parts[1:] if not parts[0].strip() else ["main.py", *parts]
    case.files = {"pyproject.toml": PYPROJECT, "auth.py": (FOLDER / "auth.py.txt").read_text()}
    for header, text in zip(parts[::2], parts[1::2], strict=True):
        file, _, bare = header.partition(" ")
        needs = file == "main.py" and not bare
        case.files[file] = (FOLDER / "prelude.py.txt").read_text() + text if needs else text
    return case
