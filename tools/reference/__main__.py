"""Writes the generated pages of docs/reference: `make reference`; a test holds them current."""

import sys
from collections.abc import Callable, Mapping, Sequence

from tests.matrix.questions import ROOT
from tools.reference import tables
from tools.reference.events import events_page
from tools.reference.variants import Item, describe

FOLDER = ROOT / "docs" / "reference"
_FROM_SERVICES: Mapping[str, tuple[str, Callable[[Sequence[Item]], str]]] = {
    "settings.md": ("settings", tables.settings_page),
    "endpoints.md": ("endpoints", tables.endpoints_page),
    "command-line.md": ("commands", tables.commands_page),
    "metrics.md": ("metrics", tables.metrics_page),
    "errors.md": ("errors", tables.errors_page),
}


def generated() -> dict[str, str]:
    """Return every generated page by its file name."""
    items = describe()
    pages = {name: page(items[kind]) for name, (kind, page) in _FROM_SERVICES.items()}
    return {
        "questions.md": tables.questions_page(),
        "security-events.md": events_page(),
        **pages,
    }


def main() -> int:
    """Write the pages."""
    for name, text in generated().items():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
