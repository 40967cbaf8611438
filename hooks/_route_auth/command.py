"""The command line: options, exit codes and nothing else."""

# Importing pathlib costs a tenth of the time that a run may take.
# ruff: noqa: PTH100
from __future__ import annotations

import gc
import sys
import warnings

from .options import USAGE, Options, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .findings import Finding

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
    from .config import ConfigurationError

    options = None
    try:
        options = Options(sys.argv[1:] if arguments is None else arguments)
        return _run(options)
    except (ConfigurationError, UsageError) as error:
        sys.stderr.write(f"route-auth: {error}\n")
    except BrokenPipeError:
        sys.stderr.close()
    except Exception as error:
        if options is not None and "--traceback" in options.flags:
            raise
        text = f"{type(error).__name__}: {error}"
        sys.stderr.write(f"route-auth: internal error, nothing was checked: {text}\n")
    return BROKEN


def _run(options: Options) -> int:
    if options.flags & {"--help", "-h"}:
        sys.stdout.write(USAGE)
        return CLEAN
    if "--explain" in options.values:
        return _explain(options.values["--explain"])
    import os

    from .audit import Audit
    from .config import load
    from .findings import find
    from .program import Program

    config = load(options.values.get("--config"))
    if options.src:
        config.src = [os.path.relpath(os.path.abspath(one), config.root) for one in options.src]
    program = Program(config)
    audit = Audit(program)
    if "--list" in options.flags:
        from .listing import render as render_list

        sys.stdout.write(render_list(audit, options.form))
        return CLEAN if audit.verdicts else BROKEN
    return _report(find(program, audit), options)


def _report(findings: list[Finding], options: Options) -> int:
    from .output import render

    if findings and "--ignore-noqa" not in options.flags:
        from .suppress import suppressed

        findings = [one for one in findings if not suppressed(one)]
    sys.stdout.write(render(findings, options.form))
    if any(one.code == "AUTH900" for one in findings):
        return BROKEN
    return FINDINGS if findings and "--exit-zero" not in options.flags else CLEAN


def _explain(code: str) -> int:
    from .rules import RULES

    rule = RULES.get(code.upper())
    if rule is None:
        sys.stderr.write(f"route-auth: no code {code}; there are {', '.join(RULES)}\n")
        return BROKEN
    sys.stdout.write(rule.page())
    return CLEAN
