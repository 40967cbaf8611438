"""Which tests come by the place of a mutant."""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

LINES_ABOVE = 25  # a statement is noted by its first line; a condition may stand far below
Lines = Mapping[str, Mapping[str, Sequence[str]]]  # file, line, tests


def tests_at(mutant: Mapping[str, Any], lines: Lines, tests: Collection[str]) -> Sequence[str]:
    """Return the tests that run a mutant's line, or that use what it defines.

    What only an import sees and no line of a function names, such as a scheme that stands in a
    signature, is for every test that comes by its file.
    """
    by_line = lines.get(mutant["file"], {})
    if mutant["apart"]:
        return sorted(
            _tests_of_name(mutant, lines, tests) or {*chain.from_iterable(by_line.values())}
        )
    above = range(mutant["line"], max(0, mutant["line"] - LINES_ABOVE), -1)
    return next((found for line in above if (found := by_line.get(str(line)))), ())


def _tests_of_name(mutant: Mapping[str, Any], lines: Lines, tests: Collection[str]) -> set[str]:
    """Return the tests that come by a line which names what the mutant's line defines, or name it.

    A test that holds a number itself comes by no line of the service.
    """
    text = Path(mutant["file"]).read_text("utf-8").splitlines()[: mutant["line"]]
    names = [match[1] for line in text if (match := re.match(r"\s*(\w+)\b.*=", line))]
    word = re.compile(rf"\b{names[-1]}\b" if names else r"\Z\A")
    found: set[str] = set()
    for file, by_line in lines.items():
        for number, line in enumerate(Path(file).read_text("utf-8").splitlines(), 1):
            if word.search(line):
                found.update(by_line.get(str(number), ()))
    files = {test.partition("::")[0] for test in tests}
    naming = {file for file in files if word.search(Path(file).read_text("utf-8"))}
    return found | {test for test in tests if test.partition("::")[0] in naming}
