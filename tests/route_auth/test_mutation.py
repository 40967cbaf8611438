"""A dependency is stripped from a rendered service, and the checker must say so every time."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.matrix.plan import pairwise_trees
from tests.matrix.rendering import Rendering

from .checking import check

# Where routers get their guard: the protected ones, and once more those that manage accounts.
INCLUDES = {
    "app/core/application.py": (
        "app.include_router(router, dependencies=[authenticate])",
        "app.include_router(router)",
    ),
    "app/auth/application.py": (
        "_AccountRoutes(dependencies=[requires(kinds=PEOPLE)])",
        "_AccountRoutes()",
    ),
}
GUARDS = {"CurrentUser", "CurrentAccount", "requires", "get_current_user"}
VERBS = {"get", "post", "put", "patch", "delete"}


def test_a_rendered_service_is_clean(trees: list[Rendering]) -> None:
    for tree in trees:
        findings, rows = check(tree.directory)
        assert not findings, [one.message for one in findings]
        assert {row["verdict"] for row in rows} == {"protected", "public"}


def test_every_stripped_dependency_is_reported(renderings: list[Rendering], tmp_path: Path) -> None:
    trees = pairwise_trees(renderings)  # between them they have every file
    everywhere = {path for rendering in renderings for path in rendering.files if is_code(path)}
    assert everywhere == {path for tree in trees for path in tree.files if is_code(path)}
    stripped = 0
    seen: set[str] = set()  # a mutant of a file that another tree has as well is the same mutant
    for index, tree in enumerate(trees):
        folder = tmp_path / str(index)
        shutil.copytree(tree.directory, folder)
        stripped += strip_the_includes(folder)
        for file, name, text in mutants(folder):
            if text in seen:
                continue
            seen.add(text)
            original = file.read_text("utf-8")
            file.write_text(text, "utf-8")
            verdicts = {row["handler"]: row["verdict"] for row in check(folder)[1]}
            file.write_text(original, "utf-8")
            assert verdicts[name] == "AUTH001", f"{file.name}: {name} was stripped, nobody noticed"
            stripped += 1
    assert len(seen) >= 10
    assert stripped == len(trees) + len(seen)


def is_code(path: str) -> bool:
    """Tell whether a file is of the app: where it is deployed to strips nothing."""
    return path.startswith("app/") and path.endswith(".py")


def strip_the_includes(folder: Path) -> int:
    """Take the guard from the places that include protected routers; see what they alone did."""
    protected = {row["handler"] for row in check(folder)[1] if row["verdict"] == "protected"}
    for path, (guarded, bare) in INCLUDES.items():
        file = folder / path
        text = file.read_text("utf-8")
        assert guarded in text
        file.write_text(text.replace(guarded, bare), "utf-8")
    rows = check(folder)[1]
    open_now = {row["handler"] for row in rows if row["verdict"] == "AUTH001"}
    assert open_now <= protected
    assert open_now == {name for name in protected if not has_guard(folder, name)}
    return 1


def handlers(folder: Path) -> Iterator[tuple[Path, ast.Module, ast.AsyncFunctionDef]]:
    """Yield the path operations of a service."""
    for file in sorted([*folder.glob("app/api/*.py"), *folder.glob("app/auth/routes/*.py")]):
        tree = ast.parse(file.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef) and any(map(is_route, node.decorator_list)):
                yield file, tree, node


def is_route(node: ast.expr) -> bool:
    """Say whether a decorator registers a route."""
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr in VERBS


def guards(node: ast.AST | None) -> bool:
    """Say whether an expression names a guard."""
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} if node else set()
    return bool(names & GUARDS)


def has_guard(folder: Path, name: str) -> bool:
    """Say whether a handler brings a guard of its own."""
    found = [node for _, _, node in handlers(folder) if node.name == name]
    return any(guards(part) for node in found for part in (node.args, *node.decorator_list))


def mutants(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield each handler with all its guards taken away."""
    for file, tree, node in handlers(folder):
        if not has_guard(folder, node.name):
            continue
        kept = node.args.args, node.args.kwonlyargs, node.args.kw_defaults, node.decorator_list
        node.args.args = [one for one in node.args.args if not guards(one.annotation)]
        pairs = list(zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True))
        left = [pair for pair in pairs if not guards(pair[0].annotation)]
        node.args.kwonlyargs = [one for one, _ in left]
        node.args.kw_defaults = [default for _, default in left]
        node.decorator_list = [without_guards(one) for one in node.decorator_list]
        yield file, node.name, ast.unparse(tree)
        node.args.args, node.args.kwonlyargs, node.args.kw_defaults, node.decorator_list = kept


def without_guards(node: ast.expr) -> ast.expr:
    """Return a decorator without its `dependencies`."""
    if not isinstance(node, ast.Call):
        return node
    keywords = [one for one in node.keywords if one.arg != "dependencies"]
    return ast.Call(node.func, node.args, keywords)
