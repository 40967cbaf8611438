"""AUTH006: writes to `dependency_overrides` outside tests."""

from __future__ import annotations

from . import syntax as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .findings import Finding
    from .program import Program

NAME = "dependency_overrides"
WRITES = {"update", "setdefault", "__setitem__", "__ior__"}


def overrides(program: Program) -> Iterator[Finding]:
    """Yield a finding for every write to `dependency_overrides` in the checked files."""
    from .findings import Finding

    message = "`dependency_overrides` is changed outside tests"
    for module in program.files:
        if NAME.encode() in module.source:
            for node in writes(module.parse()):
                yield Finding("AUTH006", module, node, message)


def writes(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that change the mapping, directly or by a name given to it."""
    nodes = list(ast.walk(tree))
    assigns = [
        one for one in nodes if isinstance(one, ast.Assign) and _is_mapping(one.value, set())
    ]
    targets_of = [target for one in assigns for target in one.targets]
    names = {target.id for target in targets_of if isinstance(target, ast.Name)}
    for node in nodes:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and _is_write_call(node, names):
            yield node
        for target in targets:
            whole = isinstance(target, ast.Attribute) and target.attr == NAME
            if whole or (isinstance(target, ast.Subscript) and _is_mapping(target.value, names)):
                yield target


def _is_mapping(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "getattr" and any(
            isinstance(one, ast.Constant) and one.value == NAME for one in node.args
        )
    return isinstance(node, ast.Attribute) and node.attr == NAME


def _is_write_call(node: ast.Call, names: set[str]) -> bool:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in WRITES:
        return _is_mapping(function.value, names)
    return (
        isinstance(function, ast.Name)
        and function.id == "setattr"
        and any(isinstance(one, ast.Constant) and one.value == NAME for one in node.args)
    )
