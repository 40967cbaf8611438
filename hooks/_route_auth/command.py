"""The command line: options, exit codes and nothing else."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH100
from __future__ import annotations

import gc
import sys
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

CLEAN, FINDINGS, BROKEN = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run the checker.

    Args:
        arguments: The command line without the program's name; the process's own by default.

    Returns:
        0 clean, 1 findings, 2 when the check could not be complete (AUTH900, a wrong
        configuration or an internal error).
    """
    gc.disable()  # a short run that keeps everything: collecting only costs time
    sys.setrecursionlimit(20_000)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # about escapes in the files that are read
    options = _parser().parse_args(arguments)
    from .config import ConfigurationError

    try:
        return _run(options)
    except ConfigurationError as error:
        sys.stderr.write(f"route-auth: {error}\n")
    except BrokenPipeError:
        sys.stderr.close()
    except Exception as error:
        if options.traceback:
            raise
        text = f"{type(error).__name__}: {error}"
        sys.stderr.write(f"route-auth: internal error, nothing was checked: {text}\n")
    return BROKEN


def _parser() -> argparse.ArgumentParser:
    import argparse

    from .output import FORMATS

    parser = argparse.ArgumentParser(
        prog="route_auth", description="Finds FastAPI routes without authentication."
    )
    add = parser.add_argument
    add("src", nargs="*", help="folders or files to check instead of the configured ones")
    add("--config", metavar="FILE", help="the pyproject.toml to read")
    add("--output-format", choices=FORMATS, default="full")
    add("--ignore-noqa", action="store_true", help="report suppressed findings as well")
    add("--list", action="store_true", help="print every route with what protects it")
    add("--explain", metavar="CODE", help="print what a code means")
    add("--exit-zero", action="store_true", help="exit 0 although there are findings")
    add("--traceback", action="store_true", help=argparse.SUPPRESS)
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.explain:
        return _explain(options.explain)
    import os

    from .audit import Audit
    from .config import load
    from .findings import find
    from .program import Program

    config = load(options.config)
    if options.src:
        config.src = [os.path.relpath(os.path.abspath(one), config.root) for one in options.src]
    program = Program(config)
    audit = Audit(program)
    if options.list:
        from .listing import render as render_list

        sys.stdout.write(render_list(audit, options.output_format))
        return CLEAN if audit.verdicts else BROKEN
    from .output import render
    from .suppress import suppressed

    findings = find(program, audit)
    if not options.ignore_noqa:
        findings = [one for one in findings if not suppressed(one)]
    sys.stdout.write(render(findings, options.output_format))
    if any(one.code == "AUTH900" for one in findings):
        return BROKEN
    return FINDINGS if findings and not options.exit_zero else CLEAN


def _explain(code: str) -> int:
    from .rules import RULES

    rule = RULES.get(code.upper())
    if rule is None:
        sys.stderr.write(f"route-auth: no code {code}; there are {', '.join(RULES)}\n")
        return BROKEN
    sys.stdout.write(rule.page())
    return CLEAN
