"""Imports: modules that can register routes run at once, in Python's order; others when used."""

from __future__ import annotations

from .values import Lazy, ModuleValue, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import syntax as ast
    from .interpreter import Interpreter
    from .modules import Module
    from .scope import Scope


def run_import(interpreter: Interpreter, node: ast.Import, scope: Scope) -> None:
    """Bind the names of `import a.b` and `import a.b as c`."""
    for alias in node.names:
        module = interpreter.sources.resolve(alias.name, scope.module)
        if module is not None:
            touch(interpreter, module)
        first = alias.name.split(".")[0]
        if alias.asname:
            scope.bind(alias.asname, named(interpreter, alias.name, module))
        else:
            top = interpreter.sources.resolve(first, scope.module)
            scope.bind(first, named(interpreter, first, top))


def named(interpreter: Interpreter, dotted: str, module: Module | None) -> Value:
    """Return the value of a module name, the program's or an external one."""
    return ModuleValue(module) if module is not None else interpreter.external(dotted)


def touch(interpreter: Interpreter, module: Module) -> None:
    """Run an imported module now when importing it can have an effect on routes."""
    if module.scope is None and module.matters():
        interpreter.run_module(module)


def run_import_from(interpreter: Interpreter, node: ast.ImportFrom, scope: Scope) -> None:
    """Bind the names of `from a import b`, relative and star imports included."""
    dotted = node.module or ""
    if node.level:
        module = interpreter.sources.relative(scope.module, node.level, dotted)
    else:
        module = interpreter.sources.resolve(dotted, scope.module)
    if module is None:
        _external_names(interpreter, node, scope, dotted)
        return
    touch(interpreter, module)
    for alias in node.names:
        if alias.name == "*":
            _star(interpreter, module, scope)
        else:
            value = imported_name(interpreter, module, alias.name)
            scope.bind(alias.asname or alias.name, value)


def imported_name(interpreter: Interpreter, module: Module, name: str) -> Value:
    """Return `from module import name`; a submodule with effects runs."""
    if module.scope is None or (module.running and name not in module.scope.variables):
        child = interpreter.sources.relative(module, 1, name) if module.is_package else None
        if child is None or not child.matters():
            return Lazy(lambda: interpreter.module_attribute(module, name), module, name)
    value = interpreter.module_attribute(module, name)
    if isinstance(value, ModuleValue):
        touch(interpreter, value.module)
    return value


def _external_names(
    interpreter: Interpreter, node: ast.ImportFrom, scope: Scope, dotted: str
) -> None:
    for alias in node.names:
        if alias.name == "*":
            _external_star(scope, dotted)
        elif node.level:
            scope.bind(alias.asname or alias.name, Unknown(f"no module {dotted} here"))
        else:
            value = interpreter.external(f"{dotted}.{alias.name}")
            scope.bind(alias.asname or alias.name, value)


def _external_star(scope: Scope, dotted: str) -> None:
    """`from fastapi import *` binds the names the checker knows of it."""
    from .names import star_names

    for name, value in star_names(dotted):
        scope.bind(name, value)


def _star(interpreter: Interpreter, module: Module, scope: Scope) -> None:
    source = interpreter.run_module(module)
    listed = source.variables.get("__all__")
    names = [name for name in source.variables if name[0] != "_"]
    if listed is not None:
        from .expressions import constants

        names = [str(name) for name in constants(listed)] or names
    for name in names:
        value = source.variables.get(name)
        if value is None and module.is_package:
            value = interpreter.module_attribute(module, name)
        if value is not None:
            scope.bind(name, value)
