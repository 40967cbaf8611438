"""The page about the security events: every call of `security_event` in the template."""

import ast
from collections.abc import Iterator

from tests.matrix.questions import TEMPLATE
from tools.reference import texts
from tools.reference.tables import codes, page, table


def events_page() -> str:
    """Return the page about the security events."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for name, fields, module in _events():
        all_fields, modules = found.setdefault(name, (set(), set()))
        all_fields |= fields
        modules.add(module)
    rows = (
        (f"`{name}`", codes(sorted(fields)), codes(sorted(modules)))
        for name, (fields, modules) in sorted(found.items())
    )
    return page("Security events", [texts.EVENTS, table(("event", "fields", "written by"), rows)])


def _events() -> Iterator[tuple[str, set[str], str]]:
    for file in sorted((TEMPLATE / "app").rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "security_event":
                fields = {keyword.arg for keyword in node.keywords if keyword.arg}
                fields |= _spread(tree, node)
                for each in ast.walk(node.args[0]):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value, fields, file.relative_to(TEMPLATE).as_posix()


def _spread(tree: ast.Module, call: ast.Call) -> set[str]:
    """Return the keys of a dictionary that is spread into a call, as far as it is written out."""
    names = {k.value.id for k in call.keywords if k.arg is None and isinstance(k.value, ast.Name)}
    return {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in names
        for key in node.value.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
