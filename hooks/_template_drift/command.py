"""The command line: options, exit codes and nothing else."""

from __future__ import annotations

import sys

from .comparing import compare
from .findings import Finding
from .output import as_broken_json, as_github, as_json, as_text
from .service import CannotCheck, Service, find_root

CLEAN, DRIFT, UNCHECKED = 0, 1, 2
USAGE = """\
usage: template_drift.py [--root DIR] [--deep [--diff]] [--output-format text|json|github]
       template_drift.py [--root DIR] --restore PATH...

Holds a service against ownership.toml: files of the template that are missing, changed or
ejected, and answers that were edited by hand. Reads files only: no network, no git.

  --root DIR        the service; by default the working directory, else the folder above hooks/
  --deep            render the recorded release again, by Copier, and compare everything with that
  --diff            with --deep: show what changed
  --restore PATH... write the recorded release's version of these files (renders it, too)
  --json            the same as --output-format json

exit codes: 0 no drift (notes do not count), 1 drift, 2 the check could not be made
"""
FORMATS = ("text", "json", "github")


class Options:
    """The command line, read."""

    def __init__(self, words: list[str]) -> None:
        """Read the command line.

        Raises:
            CannotCheck: a word means nothing; the message says which.
        """
        self.root: str | None = None
        self.form = "text"
        self.deep = self.diff = self.help = False
        self.restore: list[str] = []
        rest = [part for word in words for part in _split(word)]
        while rest:
            self._take(rest.pop(0), rest)
        if self.diff and not self.deep:
            raise CannotCheck("--diff needs --deep")

    def _take(self, word: str, rest: list[str]) -> None:
        if word in {"--deep", "--diff"}:
            setattr(self, word[2:], True)
        elif word in {"-h", "--help"}:
            self.help = True
        elif word == "--json":
            self.form = "json"
        elif word == "--restore" and rest:
            self.restore, rest[:] = rest[:], []
        elif word == "--root" and rest:
            self.root = rest.pop(0)
        elif word == "--output-format" and rest and rest[0] in FORMATS:
            self.form = rest.pop(0)
        else:
            raise CannotCheck(f"{word!r} is no option, or lacks its value; see --help")


def _split(word: str) -> list[str]:
    return word.split("=", 1) if word.startswith("--") and "=" in word else [word]


def main(arguments: list[str] | None = None) -> int:
    """Run the check.

    Args:
        arguments: the command line without the program's name; the process's own by default.

    Returns:
        0 no drift, 1 drift, 2 the check could not be made.
    """
    words = sys.argv[1:] if arguments is None else arguments
    form = "json" if "--json" in words else "text"
    try:
        options = Options(words)
        form = options.form
        return _run(options)
    except CannotCheck as error:
        return _unchecked(str(error), form)
    except Exception as error:
        # Python's own exit code for an error is the one for drift.
        return _unchecked(f"internal error: {type(error).__name__}: {error}", form)


def _unchecked(reason: str, form: str) -> int:
    if form == "json":
        sys.stdout.write(as_broken_json(reason))
    sys.stderr.write(f"template-drift: {reason}\n")
    return UNCHECKED


def _run(options: Options) -> int:
    if options.help:
        sys.stdout.write(USAGE)
        return CLEAN
    service = Service(find_root(options.root))
    if not options.deep and not options.restore:
        return _report(service, compare(service), options)
    from . import deep

    with deep.rendered_again(service) as fresh:
        if options.restore:
            deep.restore(service, fresh, options.restore)
            service = Service(service.root)
        findings = deep.compare_deeply(service, fresh)
        code = _report(service, findings, options)
        if options.diff:
            sys.stdout.write(deep.differences(service, fresh, findings))
        return code


def _report(service: Service, findings: list[Finding], options: Options) -> int:
    if options.form == "json":
        sys.stdout.write(as_json(service, findings, deep=options.deep or bool(options.restore)))
    elif options.form == "github":
        sys.stdout.write(as_github(findings))
    else:
        sys.stdout.write(as_text(service, findings))
    return DRIFT if any(one.fails for one in findings) else CLEAN
