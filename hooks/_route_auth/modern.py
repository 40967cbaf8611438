"""Newer syntax under an older interpreter: rewritten enough to go on reading.

A file that the running Python cannot parse is AUTH900 whatever happens here: the check was made
on a rewritten text. Going on keeps one such file from making every route that imports it look open.
"""

from __future__ import annotations

import re

from . import syntax as ast

# PEP 758 (3.14): except A, B:
_EXCEPT = re.compile(r"^(\s*except\*?\s+)([\w.]+(?:\s*,\s*[\w.]+)+)(\s*:)")
# PEP 695 (3.12): type X = ..., def f[T](...), class C[T]: (one level of brackets inside)
_TYPE = re.compile(r"^(\s*)type\s+(\w+)\s*(?:\[[^\]]*\])?\s*=")
_GENERIC = re.compile(r"^(\s*(?:async\s+def|def|class)\s+\w+)\[(?:[^\[\]]|\[[^\[\]]*\])*\]")


def rewritten(source: bytes, path: str) -> ast.Module | None:
    """Return the tree of a file whose newer syntax is spelled in the older way, lines kept.

    Returns:
        None when the file still does not parse: then it is simply wrong.
    """
    lines = [_older(line) for line in source.decode("utf-8-sig", "replace").splitlines()]
    try:
        tree: ast.Module = ast.parse("\n".join(lines) + "\n", path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree


def _older(line: str) -> str:
    line = _EXCEPT.sub(r"\1(\2)\3", line)
    line = _TYPE.sub(r"\1\2 =", line)
    return _GENERIC.sub(r"\1", line)
