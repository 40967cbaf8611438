"""Interprets a whole program: every file that matters, then what nothing was seen to call."""

from __future__ import annotations

from . import syntax
from .arguments import Arguments, Site
from .configured import resolve_names
from .interpreter import MAX_STEPS, Interpreter
from .modules import Module, calls_one
from .objects import Bound, Class, Function, class_member
from .protection import Judge
from .routers import Router, router_kind
from .sources import Sources
from .values import External, Unknown, Value, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .config import Config


class Program:
    """One interpreted program and the judge of its dependencies."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.sources = Sources(config)
        self.files = self.sources.scan()
        self.broken: list[Module] = []
        self.interpreter = Interpreter(self.sources, config)
        self.judge = Judge(self.interpreter)
        self.missing = resolve_names(self.interpreter, self.judge, self.files)
        self._run()

    def _run(self) -> None:
        interpreter = self.interpreter
        for module in self.files:
            if module.matters():
                interpreter.run_module(module)
        self._run_callers()
        self._run_later()
        for function in self._uncalled():
            if id(function.node) not in interpreter.called:
                self._run_unseen(function)
                self._run_later()
        if interpreter.steps >= MAX_STEPS:
            site = Site(self.files[0], self.files[0].parse())
            interpreter.problem("AUTH002", site, "the program takes more steps than are followed")
        modules = self.sources.modules.values()
        self.broken = [one for one in modules if one.broken is not None or not _compiles(one)]

    def _run_callers(self) -> None:
        """Run files that only call, by its name, a function that registers routes elsewhere."""
        names = self._registering_names()
        for module in self.files:
            if module.scope is None and calls_one(module.source, names):
                self.interpreter.run_module(module)

    def _registering_names(self) -> list[bytes]:
        """Return the names of the functions that register routes."""
        return sorted({one.name.encode() + b"(" for one in self.interpreter.functions})

    def _run_later(self) -> None:
        """Run lifespans and start-up handlers: they may register routes too."""
        interpreter = self.interpreter
        while interpreter.later:
            value, arguments, site = interpreter.later.pop(0)
            for option in options(value):
                function = option.function if isinstance(option, Bound) else option
                if isinstance(function, Function) and self._may_register(function):
                    interpreter.call(option, arguments, site)

    def _may_register(self, function: Function) -> bool:
        """Say whether a start-up function registers routes, itself or by what it calls."""
        module, node = function.scope.module, function.node
        last = node.end_lineno or node.lineno
        if module.registers(node.lineno, last):
            return True
        text = "\n".join(module.text_lines()[node.lineno : last])
        return calls_one(text.encode(), self._registering_names())

    def _uncalled(self) -> list[Function]:
        """Order what was never called so that callers come before what they call."""
        functions = [
            one for one in self.interpreter.functions
            if id(one.node) not in self.interpreter.called
            and not one.scope.module.sets_signatures()
        ]  # fmt: skip
        sources = {one.scope.module.source for one in functions}
        everything = b"\n".join(sorted(sources))

        def mentions(function: Function) -> tuple[bool, bool]:
            called = everything.count(function.name.encode() + b"(") > 1
            return called, bool(function.node.args.args)

        return sorted(functions, key=mentions)

    def _run_unseen(self, function: Function) -> None:
        """Call a function as its defaults and annotations say it is called."""
        interpreter = self.interpreter
        site = Site(function.scope.module, function.node)
        if function.scope.kind == "function":
            return  # its outer function was not called either, or it is a handler's own
        value: Value = function
        if function.cls is not None and function.binding != "staticmethod":
            value = self._bound(function, function.cls, site)
        if id(function.node) in interpreter.called:
            return  # making the object called it
        interpreter.call(value, self._guess(function, site), site)

    def _bound(self, function: Function, cls: Class, site: Site) -> Value:
        if function.binding == "classmethod":
            return Bound(function, cls)
        for instance in self.interpreter.instances:
            if instance.cls is cls:
                return Bound(function, instance)
        constructor = class_member(cls, "__init__")
        arguments = Arguments()
        if isinstance(constructor, Function):
            arguments = self._guess(constructor, site)
        return Bound(function, self.interpreter.call(cls, arguments, site))

    def _guess(self, function: Function, site: Site) -> Arguments:
        """Make arguments for the parameters that have no default, from their annotations."""
        from .callables import parameters

        node = function.node.args
        count = len(node.posonlyargs) + len(node.args)
        skip = int(function.cls is not None and function.binding != "staticmethod")
        plain, wrapped, function.wrapped = Arguments(), function.wrapped, None
        found = parameters(self.interpreter, function)
        function.wrapped = wrapped
        for index, (name, default, kind) in enumerate(found):
            if index < skip or default is not None:
                continue
            value = self._of_kind(kind, name, site)
            if index < count and len(plain.positional) == index - skip:
                plain.positional.append(value)
            else:
                plain.keywords[name] = value
        return plain

    def _of_kind(self, kind: Value, name: str, site: Site) -> Value:
        if isinstance(kind, External) and kind.name in {"fastapi.FastAPI", "fastapi.APIRouter"}:
            return Router(self.interpreter, "assumed", site)
        if isinstance(kind, Class) and router_kind(kind) is not None:
            return Router(self.interpreter, "assumed", site, kind)
        return Unknown(f"argument {name}")


def _compiles(module: Module) -> bool:
    """Check the syntax of a file that cannot hold a route, without building its tree in Python."""
    if module.tree is not None or not module.source:
        return True
    try:
        syntax.check(module.source, module.path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        module.broken = error if isinstance(error, SyntaxError) else SyntaxError(str(error))
        return False
    return True
