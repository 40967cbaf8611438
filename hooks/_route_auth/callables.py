"""The parameters of whatever FastAPI calls: functions, methods, classes, instances, partials."""

from __future__ import annotations

from . import syntax as ast
from .markers import Annotated, Depends
from .names import is_parameter_marker
from .objects import Bound, Class, Function, Instance, Partial, class_member, external_base, lineage
from .operators import elements
from .values import External, Lazy, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .interpreter import Interpreter
    from .scope import Scope

    Parameter = tuple[str, Value | None, Value]  # name, default, annotation


def annotation(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """Return what an annotation stands for; text is evaluated among the module's names only."""
    if scope.module.future and not isinstance(node, ast.Constant):
        return interpreter.evaluate(node, scope.module_scope())
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            inner: ast.expr = ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Unknown("an annotation that does not parse")
        inner.lineno, inner.col_offset = node.lineno, node.col_offset
        inner.end_lineno, inner.end_col_offset = node.end_lineno, node.end_col_offset
        return interpreter.evaluate(inner, scope.module_scope())
    return interpreter.evaluate(node, scope)


def dependencies(interpreter: Interpreter, value: Value) -> Iterator[Value]:
    """Yield the dependencies that FastAPI reads from a callable's parameters."""
    for _, default, kind in parameters(interpreter, value):
        found = parameter_dependency(default, kind)
        if found is not None:
            yield found


def parameter_dependency(default: Value | None, kind: Value) -> Value | None:
    """Return the dependency of one parameter, as `analyze_param` of FastAPI decides."""
    if isinstance(kind, Annotated):
        markers = [
            one for one in kind.metadata if isinstance(one, Depends) or is_parameter_marker(one)
            or hasattr(one, "options") or isinstance(one, Unknown)
        ]  # fmt: skip
        if markers:
            last = markers[-1]  # the last one wins, whatever it is
            if isinstance(last, Depends) and last.target is None:
                return Depends(kind.base, last.site)
            return None if is_parameter_marker(last) else last
        kind = kind.base
    if isinstance(default, Depends) and default.target is None:
        return Depends(kind, default.site)
    if default is not None and (isinstance(default, Depends) or hasattr(default, "options")):
        return default
    # An alias from outside the program: it counts when its name is configured.
    return kind if type(kind) is External and default is None else None


def parameters(interpreter: Interpreter, value: Value) -> list[Parameter]:
    """Return the parameters of a callable, as `inspect.signature` shows them to FastAPI."""
    if isinstance(value, Lazy):
        value = value.force()
    if isinstance(value, Function):
        return _of_function(interpreter, value)
    if isinstance(value, Bound):
        found = parameters(interpreter, value.function)
        return found if value.function.binding == "staticmethod" else found[1:]
    if isinstance(value, Partial):
        return _of_partial(interpreter, value)
    if isinstance(value, Class):
        return _of_class(interpreter, value)
    if isinstance(value, Instance) and value.cls is not None:
        method = class_member(value.cls, "__call__")
        if isinstance(method, Function):
            found = parameters(interpreter, method)
            return found if method.binding == "staticmethod" else found[1:]
    return []


def _of_function(interpreter: Interpreter, function: Function) -> list[Parameter]:
    if function.wrapped is not None:
        return parameters(interpreter, function.wrapped)
    node = function.node.args
    names = [*node.posonlyargs, *node.args, *node.kwonlyargs]
    found: list[Parameter] = []
    for name, default in zip(names, function.defaults, strict=True):
        kind: Value = function.annotations.get(name.arg) or Unknown("not annotated")
        written = name.annotation if name.arg not in function.annotations else None
        plain = default is None and written is not None and is_plain_class(written, function.scope)
        if written is not None and not plain:
            kind = annotation(interpreter, written, function.scope)
        found.append((name.arg, default, kind))
    return found


def is_plain_class(node: ast.expr, scope: Scope) -> bool:
    """Say whether an annotation names a class in a file that need not be read for it."""
    value = scope.raw(node.id) if isinstance(node, ast.Name) else None
    return isinstance(value, Lazy) and value.is_plain_class()


def _of_partial(interpreter: Interpreter, value: Partial) -> list[Parameter]:
    found = parameters(interpreter, value.function)[len(value.arguments.positional) :]
    result: list[Parameter] = []
    for name, default, kind in found:
        given = value.arguments.keywords.get(name)
        result.append((name, given, kind) if given is not None else (name, default, kind))
    return result


def _of_class(interpreter: Interpreter, cls: Class) -> list[Parameter]:
    """A class shows its constructor; a dataclass or model the fields of its bases and its own."""
    for base in lineage(cls):
        if isinstance(base, Class):
            constructor = base.namespace.get("__init__")
            if isinstance(constructor, Function):
                return parameters(interpreter, constructor)[1:]
            if isinstance(base.namespace.get("__new__"), Function):
                return parameters(interpreter, base.namespace["__new__"])[1:]
    data = any(isinstance(base, Class) and base.is_data for base in lineage(cls))
    return fields(interpreter, cls) if data or external_base(cls) is not None else []


def fields(interpreter: Interpreter, cls: Class) -> list[Parameter]:
    """Return the annotated attributes of a class and its bases, the nearest one of a name."""
    found: dict[str, Parameter] = {}
    for base in lineage(cls):
        if not isinstance(base, Class):
            continue
        for name, node in base.fields:
            if name not in found:
                kind = annotation(interpreter, node, base.scope)
                found[name] = name, base.namespace.get(name), kind
    return list(found.values())


def class_dependencies(interpreter: Interpreter, cls: Class) -> Iterator[Value]:
    """Yield the dependencies that a view class gives to each of its routes."""
    yield from dependencies(interpreter, cls)
    for _, default, kind in fields(interpreter, cls):
        found = parameter_dependency(default, kind)
        if found is not None:
            yield found
    for base in lineage(cls):
        if isinstance(base, Class):
            yield from (one for one in base.namespace.values() if isinstance(one, Depends))


def annotated(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """`Annotated[base, ...]`; one inside another is flattened, as typing does."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    base = annotation(interpreter, parts[0], scope)
    metadata = []
    for part in parts[1:]:
        if isinstance(part, ast.Starred):
            metadata += elements(interpreter.evaluate(part.value, scope))[0]
        else:
            metadata.append(interpreter.evaluate(part, scope))
    if isinstance(base, Annotated):
        return Annotated(base.base, [*base.metadata, *metadata])
    return Annotated(base, metadata)
