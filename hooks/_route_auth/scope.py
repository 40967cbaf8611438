"""Name spaces of the interpreted program: modules, functions and class bodies."""

from __future__ import annotations

from .values import Lazy, Value, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import syntax as ast
    from .modules import Module
    from .objects import Class


class Scope:
    """One name space; class bodies are invisible to the functions inside them."""

    __slots__ = (
        "annotations", "cls", "declared", "kind", "module", "parent", "receiver", "returns",
        "variables", "yields",
    )  # fmt: skip

    def __init__(self, module: Module, parent: Scope | None, kind: str = "module") -> None:
        self.module = module
        self.parent = parent
        self.kind = kind
        self.variables: dict[str, Value] = {}
        self.declared: dict[str, Scope] = {}  # names of `global` and `nonlocal`
        self.returns: list[Value] = []
        self.yields: list[Value] = []
        self.cls: Class | None = None  # for super()
        self.receiver: Value | None = None  # for super()
        self.annotations: dict[str, ast.expr] = {}

    def lookup(self, name: str) -> Value | None:
        """Return what a name means here, or None when it is not bound."""
        value = self.raw(name)
        return value.force() if isinstance(value, Lazy) else value

    def raw(self, name: str) -> Value | None:
        """Return what a name is bound to; an import that nothing used yet stays lazy."""
        scope: Scope | None = self
        while scope is not None:
            if scope.kind != "class" or scope is self:
                value = scope.variables.get(name)
                if value is not None:
                    return value
            scope = scope.parent
        return None

    def bind(self, name: str, value: Value) -> None:
        """Bind a name here, or where `global` or `nonlocal` says."""
        self.declared.get(name, self).variables[name] = value

    def module_scope(self) -> Scope:
        """Return the outermost scope, where `global` names live."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def function_scope(self) -> Scope:
        """Return the nearest scope that a `return` or `yield` belongs to."""
        scope = self
        while scope.kind == "class" and scope.parent is not None:
            scope = scope.parent
        return scope

    def merge(self, outcomes: list[dict[str, Value]]) -> None:
        """Replace the variables by what they may be after any of several arms."""
        if not outcomes:
            return
        merged = dict(outcomes[0])
        for outcome in outcomes[1:]:
            for name, value in outcome.items():
                present = merged.get(name)
                if present is None:
                    merged[name] = value
                elif present is not value:
                    merged[name] = join([present, value])
        self.variables.clear()
        self.variables.update(merged)
