"""The command line. Importing argparse would cost a sixth of the time that a run may take."""

from __future__ import annotations

USAGE = """\
usage: route_auth [SRC ...] [--config FILE] [--output-format FORMAT] [--ignore-noqa]
                  [--exit-zero] [--list] [--explain CODE]

Finds FastAPI routes without authentication.

  SRC                     folders or files to check instead of the configured ones
  --config FILE           the pyproject.toml to read
  --output-format FORMAT  concise, full (default), json, github or sarif
  --ignore-noqa           report suppressed findings as well
  --exit-zero             exit 0 although there are findings
  --list                  print every route with what protects it; a table, or json
  --explain CODE          print what a code means
"""
FORMATS = ("concise", "full", "json", "github", "sarif")
FLAGS = {"--ignore-noqa", "--exit-zero", "--list", "--traceback", "--help", "-h"}
VALUES = {"--config", "--output-format", "--explain"}


class UsageError(Exception):
    """The command line cannot be understood; the text says which part."""


class Options:
    """What the command line asks for.

    Args:
        arguments: The words after the program's name.

    Raises:
        UsageError: An option is unknown, lacks its value or has a wrong one.
    """

    def __init__(self, arguments: list[str]) -> None:
        self.src: list[str] = []
        self.flags: set[str] = set()
        self.values: dict[str, str] = {}
        words = list(arguments)
        while words:
            self._take(words.pop(0), words)
        form = self.values.get("--output-format", "full")
        if form not in FORMATS:
            raise UsageError(f"--output-format is one of {', '.join(FORMATS)}, not {form!r}")
        self.form = form

    def _take(self, word: str, rest: list[str]) -> None:
        name, equals, value = word.partition("=")
        if word in FLAGS:
            self.flags.add(word)
        elif name in VALUES:
            if not equals and not rest:
                raise UsageError(f"{name} needs a value")
            self.values[name] = value if equals else rest.pop(0)
        elif word.startswith("-"):
            raise UsageError(f"unknown option {word}; --help lists them")
        else:
            self.src.append(word)
