"""The command line of safe_update and its exit codes."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PASSED = 0  # updated, or nothing to do; every check that was asked for passes
TESTS_FAILED = 1  # updated without conflicts, and the service's guarantees do not hold
USAGE = 2  # argparse's own
REFUSED = 3  # nothing was touched
CONFLICTS = 4  # somebody must look at files
FAILED = 5  # Copier failed, and the tree is as it was
INCOMPLETE = 6  # updated, but something of the release does not reach the service
WAITING = 7  # with --show: there is a newer release
WAITING_SECURITY = 8  # with --show: and it closes a weakness that this service has

EXIT_CODES = """\
exit codes:
  0  updated, or nothing to do, and the guarantees hold
  1  updated, and the service's own guarantees fail (or cannot be run)
  2  wrong usage
  3  refused: nothing was touched, and the reason is said
  4  conflicts, rejected changes or lost edits: files are named with what to do
  5  Copier failed: the tree is as before
  6  updated, but a template file is missing, or a floor is not in uv.lock
  7  with --show: a newer release waits
  8  with --show: one that closes a weakness of this service's release waits
"""


@dataclass(frozen=True)
class Options:
    """What the caller wants."""

    project: Path
    to: str
    data: dict[str, str]
    source: str
    moved_to: str
    show: bool
    restore: bool
    resume: bool
    take_back: list[str]
    accept: bool
    no_tests: bool
    tests: str
    copier: str
    json: Path | None
    markdown: Path | None


def parse(words: Sequence[str] | None) -> Options:
    """Read the command line; wrong usage ends the program."""
    parser = _parser()
    given = vars(parser.parse_args(words))
    pairs = [word.partition("=") for word in given.pop("data")]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        parser.error(f"--data wants QUESTION=VALUE, not {wrong[0]!r}")
    given["project"] = given["project"].resolve()
    if not given["project"].is_dir():
        parser.error(f"{given['project']} is no folder")
    return Options(data={name: value for name, _, value in pairs}, **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "safe_update.py",
        description="Bring a service to a newer release of its template.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("project", nargs="?", type=Path, default=Path(), help="the service's folder")
    add("--to", default="", metavar="VERSION", help="the release; default: the newest final one")
    add("--data", action="append", default=[], metavar="QUESTION=VALUE", help="change an answer")
    add("--source", default="", help="take the template from here, this once (offline: a clone)")
    add("--moved-to", default="", metavar="SOURCE", help="the template moved: also record it")
    add("--accept", action="store_true", help="go on although a changed answer loses something")
    add("--no-tests", action="store_true", help="leave the guarantees to CI")
    add("--tests", default="", metavar="COMMAND", help="how to run them; default: poe check")
    add("--copier", default="", metavar="COMMAND", help="how to run Copier")
    add("--json", type=Path, metavar="FILE", help="write the summary as JSON")
    add("--markdown", type=Path, metavar="FILE", help="write it as the text of a pull request")
    _other_verbs(parser)
    return parser


def _other_verbs(parser: argparse.ArgumentParser) -> None:
    """Add what the command does instead of an update."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--show", action="store_true", help="say what an update would bring")
    what.add_argument(
        "--restore", "--abort", action="store_true", help="take the update back, exactly"
    )
    what.add_argument(
        "--continue", dest="resume", action="store_true", help="check again, after conflicts"
    )
    what.add_argument(
        "--take-back",
        nargs="+",
        default=[],
        metavar="PATH",
        help="write the template's own file again, of the release that the service is at",
    )
