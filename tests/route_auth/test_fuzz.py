"""Random programs: what parses is checked without crash or hang, what does not is AUTH900."""

from __future__ import annotations

import ast
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .cases import PYPROJECT, load
from .checking import check

BUDGET = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
SLOWEST = 5.0  # seconds for one small program: a hang, not a slow machine
CASES = load()
AUTH = CASES[0].files["auth.py"]
SOURCES = [case.files["main.py"] for case in CASES]

names = st.sampled_from(["app", "router", "a", "b", "f", "Guard", "deps", "self", "auth"])
atoms = st.one_of(
    names,
    st.sampled_from(["1", "None", "'x'", "'/p'", "[]", "{}", "()", "get_current_user", "..."]),
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, names).map(lambda p: f"({p[0]}).{p[1]}"),
        two.map(lambda p: f"{p[0]}({p[1]})"),
        two.map(lambda p: f"{p[0]}(*{p[1]}, **{p[0]})"),
        two.map(lambda p: f"[{p[0]} for a in {p[1]} if a]"),
        two.map(lambda p: f"{{{p[0]}: {p[1]}, **{p[1]}}}"),
        two.map(lambda p: f"({p[0]} if b else {p[1]})"),
        two.map(lambda p: f"({p[0]} or {p[1]})"),
        two.map(lambda p: f"({p[0]} + {p[1]})"),
        two.map(lambda p: f"{p[0]}[{p[1]}]"),
        inner.map(lambda e: f"Depends({e})"),
        inner.map(lambda e: f"APIRouter(dependencies={e})"),
        inner.map(lambda e: f"FastAPI(routes={e})"),
        inner.map(lambda e: f"functools.partial({e}, a=1)"),
        inner.map(lambda e: f"(lambda a={e}: {e})"),
        inner.map(lambda e: f"getattr({e}, 'get')('/x')"),
        inner.map(lambda e: f"Annotated[{e}, {e}]"),
    )


expressions = st.recursive(atoms, _compound, max_leaves=6)


@st.composite
def statements(draw: st.DrawFn, depth: int = 2) -> str:
    """Draw one statement; compound ones hold further statements."""
    one, two, name = draw(expressions), draw(expressions), draw(names)
    simple = [
        f"{name} = {one}", f"{one}", f"{name}.x = {one}", f"{name}[{one}] = {two}",
        f"{name} += {one}", f"{name}.include_router({one}, dependencies={two})",
        f"{name}.mount('/m', {one})", f"{name}.dependencies.append({one})",
        f"a, *b = {one}", f"from {name} import *", f"import {name}", "from . import main",
        f"{name}.add_api_route('/r', {one}, dependencies={two})", f"return_ = {one}",
    ]  # fmt: skip
    if depth == 0:
        return draw(st.sampled_from(simple))
    body = draw(st.lists(statements(depth - 1), min_size=1, max_size=3))
    block = "\n".join("    " + line for text in body for line in text.splitlines())
    compound = [
        f"if {one}:\n{block}\nelse:\n{block}", f"for {name} in {one}:\n{block}\n    break",
        f"while {one}:\n{block}", f"def {name}(a, b={one}, *c, d: {two} = 1, **e):\n{block}",
        f"class {name}({one}):\n{block}", f"with {one} as {name}:\n{block}",
        f"try:\n{block}\nexcept Exception:\n{block}\nfinally:\n{block}",
        f"@{name}.get('/y', dependencies={one})\ndef f(a: {two}):\n{block}\n    return {one}",
        f"match {one}:\n  case [a, *b]:\n{block}\n  case _:\n{block}",
        f"async def {name}():\n{block}\n    yield {one}",
        f"class {name}(APIRouter):\n    def __init__(self, **kw):\n        super().__init__(**kw)\n"
        f"    def add_api_route(self, *a, **kw):\n        self.add_api_route(*a, **kw)",
    ]  # fmt: skip
    return draw(st.sampled_from(simple + compound))


def run(source: str) -> list[str]:
    """Check a program of one module; return the codes."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(PYPROJECT)
        (Path(folder) / "auth.py").write_text(AUTH)
        (Path(folder) / "main.py").write_text(source, errors="surrogatepass")
        started = time.monotonic()
        findings, _ = check(Path(folder))
        assert time.monotonic() - started < SLOWEST
        return [one.code for one in findings if one.path.endswith("main.py")]


PRELUDE = (
    "import functools\nfrom typing import Annotated\nfrom fastapi import *\nfrom auth import *\n"
    "app = FastAPI()\nrouter = APIRouter()\n"
)


@BUDGET
@given(st.lists(statements(), min_size=1, max_size=6))
def test_random_programs_are_checked(parts: list[str]) -> None:
    source = PRELUDE + "\n".join(parts) + "\n"
    codes = run(source)
    assert ("AUTH900" in codes) == (not parses(source))


@BUDGET
@given(st.sampled_from(SOURCES), st.data())
def test_programs_with_a_part_torn_out_are_checked(source: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(start + 60, len(source))))
    torn = source[:start] + source[end:]
    assert ("AUTH900" in run(torn)) == (not parses(torn))


@BUDGET
@given(st.text(max_size=60))
def test_random_text_is_checked_or_refused(text: str) -> None:
    if "\r" in text or any("\ud800" <= one <= "\udfff" for one in text):
        return  # a file is bytes: these come back as other characters
    assert ("AUTH900" in run(text)) == (not parses(text))


def parses(source: str) -> bool:
    """Say whether Python itself takes the text."""
    try:
        compile(source, "main.py", "exec", ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError):
        return False
    # What does not matter to routes is checked by the symbol table, which refuses a little more.
    return True


def test_recursion_and_growth_end() -> None:
    nested = "x = " + "(" * 90 + "1" + ")" * 90 + "\n"
    looping = "def f(r):\n    r.include_router(f(r))\n    return f(f(r))\nf(app)\n"
    growing = "def g(r):\n" + "    g(r)\n" * 50 + "    r.add_api_route('/x', g)\ng(app)\n"
    mutual = "router.include_router(app.router)\napp.include_router(router)\n"
    chain = "".join(f"def h{n}(): return [h{n + 1}() for a in 'abcdefgh']\n" for n in range(30))
    doubling = "a, b, c = 'x', [1], 1\nfor i in range(400):\n    a += a; b += b; c += c\n"
    product = "n = range(400)\nd = [1 for i in n for j in n for k in n for l in n]\n"
    wide = "e = '{:>9999999999}'.format('x')\n"
    texts = (nested, looping, growing, mutual, chain + "h0()\n", doubling, product, wide)
    for text in texts:
        run(PRELUDE + text)


def test_deep_expressions_do_not_crash() -> None:
    run(PRELUDE + "x = " + " + ".join(["a"] * 5000) + "\n")
    run(PRELUDE + "x = " + "-" * 2000 + "1\n")
    assert sys.getrecursionlimit() > 0
