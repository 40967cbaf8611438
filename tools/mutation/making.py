"""Makes mutants of one file: what changes, and the whole text with the change."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import libcst as cst
from libcst.metadata import (
    ByteSpanPositionProvider,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
)

from tools.mutation.operators import OPERATORS

SHOWN = 90  # characters of a change
# Their arguments say what is reported, not what is decided; tests of logs and numbers hold them.
REPORTING = ("security_event", "log.", "_log.", "metrics.")


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        file: in the service.
        line: where it is, counted from 1.
        place: the function it is in, "" outside of all.
        was: the text that changes.
        becomes: what takes its place.
        source: the whole file with the change.
        apart: whether only an import sees it, since it is outside of functions' code.
    """

    file: str
    line: int
    place: str
    was: str
    becomes: str
    source: str
    apart: bool

    @property
    def name(self) -> str:
        """What reasons and results are kept by: it does not depend on lines."""
        return f"{Path(self.file).name} {self.place or '(module)'}: {self.was} -> {self.becomes}"

    @property
    def id(self) -> str:
        """A short digest of the change."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:10]


class _Maker(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, ByteSpanPositionProvider, ParentNodeProvider)

    def __init__(self, file: str, wrapper: MetadataWrapper) -> None:
        super().__init__()
        self.mutants: list[Mutant] = []
        self._file = file
        self._wrapper = wrapper
        self._source = wrapper.module.bytes
        self._names: list[str] = []
        self._functions = 0
        self._defaults = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.ImportFrom | cst.Import):
            return False
        if self._reports(node):
            return False
        if isinstance(node, cst.Call) and self._text(node.func).endswith(".execution_options"):
            node.func.visit(self)  # how SQLAlchemy goes about it decides nothing
            return False
        self._defaults += isinstance(node, cst.Parameters)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node.name.value)
            self._functions += isinstance(node, cst.FunctionDef)
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                for changed in operator(node):
                    self._add(*changed)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self._defaults -= isinstance(original_node, cst.Parameters)
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._names.pop()
            self._functions -= isinstance(original_node, cst.FunctionDef)

    def _reports(self, node: cst.CSTNode) -> bool:
        """Tell whether a statement only logs or counts, or is the sentence of an error."""
        if isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], cst.Expr):
            node = node.body[0].value
        if isinstance(node, cst.Await):
            node = node.expression
        if not isinstance(node, cst.Call):
            return False
        return self._text(node.func).startswith(REPORTING)

    def _text(self, node: cst.CSTNode) -> str:
        return self._wrapper.module.code_for_node(node).strip()

    def _add(self, node: cst.CSTNode, changed: cst.CSTNode) -> None:
        line = self.get_metadata(PositionProvider, node).start.line
        # With what it is part of: a lone `<` says nothing, and has no place in the text.
        while isinstance(node, cst.BaseCompOp | cst.ComparisonTarget | cst.BaseBooleanOp):
            parent = self.get_metadata(ParentNodeProvider, node)
            replaced = parent.deep_replace(node, changed)
            assert isinstance(replaced, cst.CSTNode)  # noqa: S101 - nothing was removed
            changed, node = replaced, parent
        span = self.get_metadata(ByteSpanPositionProvider, node)
        was, becomes = self._text(node), self._text(changed)
        before, after = self._source[: span.start], self._source[span.start + span.length :]
        source = (before + becomes.encode() + after).decode()
        place = ".".join(self._names)
        apart = self._defaults > 0 or not self._functions
        shown = _shortened(was, becomes)
        self.mutants.append(Mutant(self._file, line, place, *shown, source, apart))


def _shortened(was: str, becomes: str) -> tuple[str, str]:
    """Return both texts in one line, and of long ones the part that differs."""
    was, becomes = " ".join(was.split()), " ".join(becomes.split())
    pairs = enumerate(zip(was, becomes, strict=False))
    start = next((i for i, (a, b) in pairs if a != b), 0)
    start = max(0, start - 40) if len(was) > SHOWN else 0
    return was[start : start + SHOWN], becomes[start : start + SHOWN]


def mutants_of(service: Path, file: str) -> list[Mutant]:
    """Return every mutant of one file of a rendered service, in the order of its lines."""
    wrapper = MetadataWrapper(cst.parse_module((service / file).read_text("utf-8")))
    maker = _Maker(file, wrapper)
    wrapper.visit(maker)
    distinct = {mutant.source: mutant for mutant in maker.mutants if _compiles(mutant.source)}
    return _numbered(sorted(distinct.values(), key=lambda mutant: mutant.line))


def _numbered(mutants: Iterable[Mutant]) -> list[Mutant]:
    """Give each a name of its own: the same change may stand twice in a function."""
    times = Counter[str]()
    numbered = []
    for mutant in mutants:
        times[mutant.name] += 1
        suffix = f" ({times[mutant.name]})" if times[mutant.name] > 1 else ""
        numbered.append(replace(mutant, becomes=mutant.becomes + suffix))
    return numbered


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True
