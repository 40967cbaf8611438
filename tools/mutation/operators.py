"""The changes that make a mutant: mutmut's, and two more that remove what guards.

mutmut's own runner puts each function behind a dispatcher, which leaves out everything decorated
and breaks the signatures that FastAPI reads; so only its operators are used here. Left out are
those that change texts or put None for a value: what they make is either a label or an error.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import libcst as cst
from mutmut.mutation import mutators

Change = tuple[cst.CSTNode, cst.CSTNode]  # what changes, and what takes its place
Operator = Callable[[Any], Iterable[Change]]


def force_condition(node: cst.If) -> Iterator[Change]:
    """An `if` that never holds, and one that always does."""
    yield node.test, cst.Name("False")
    yield node.test, cst.Name("True")


def delete_statement(node: cst.SimpleStatementLine) -> Iterator[Change]:
    """A call, a raise, or an assignment to a member that never happens."""
    statement = node.body[0]
    member = isinstance(statement, cst.Assign) and isinstance(
        statement.targets[0].target, cst.Attribute | cst.Subscript
    )
    call = isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call | cst.Await)
    if member or call or isinstance(statement, cst.Raise | cst.AugAssign):
        yield statement, cst.Pass()


def drop_argument(node: cst.Call) -> Iterator[Change]:
    """A query without one of its conditions, and a call without one of its named arguments."""
    function = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    conditions = isinstance(function, cst.Name) and function.value in {"where", "and_", "or_"}
    for i, argument in enumerate(node.args):
        if len(node.args) > 1 and (conditions or argument.keyword):
            yield node, node.with_changes(args=[*node.args[:i], *node.args[i + 1 :]])


def _in_place(operator: Callable[[Any], Iterable[cst.CSTNode]]) -> Operator:
    return lambda node: ((node, changed) for changed in operator(node))


OPERATORS: list[tuple[type, Operator]] = [
    (cst.BaseNumber, _in_place(mutators.operator_number)),
    (cst.Name, _in_place(mutators.operator_name)),
    (cst.UnaryOperation, _in_place(mutators.operator_remove_unary_ops)),
    (cst.Call, _in_place(mutators.operator_symmetric_string_methods_swap)),
    (cst.CSTNode, _in_place(mutators.operator_keywords)),
    (cst.CSTNode, _in_place(mutators.operator_swap_op)),
    (cst.IfExp, _in_place(mutators.operator_if_exp)),
    (cst.Call, drop_argument),
    (cst.If, force_condition),
    (cst.SimpleStatementLine, delete_statement),
]
