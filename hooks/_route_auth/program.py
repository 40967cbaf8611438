"""Interprets a whole program: every file that matters, then what nothing was seen to call."""

from __future__ import annotations

import re

from .interpreter import Interpreter
from .protection import Judge, Names
from .routers import Router, router_kind
from .sources import Sources
from .values import (
    Annotated, Arguments, Bound, Class, Depends, External, Function, Lazy, ModuleValue, Site,
    Unknown, Value, options,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .config import Config
    from .sources import Module


class Program:
    """One interpreted program and the judge of its dependencies."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.sources = Sources(config)
        self.files = self.sources.scan()
        self.broken: list[Module] = []
        self.missing: list[tuple[str, str]] = []  # configured names that resolve to nothing
        self.interpreter = Interpreter(self.sources, config)
        self.judge = Judge(self.interpreter)
        self._resolve_names()
        self._run()

    def _resolve_names(self) -> None:
        interpreter, judge = self.interpreter, self.judge
        public = Names()
        for key, names, into in (
            ("public", self.config.public, public),
            ("auth", self.config.auth, judge.auth),
            ("optional", self.config.optional, judge.optional),
            ("wrappers", self.config.wrappers, judge.wrappers),
        ):
            for name in names:
                if not self._resolve(name, into):
                    self.missing.append((key, name))
            interpreter.public = [getattr(one, "origin", one) for one in public.values]
            interpreter.public_names = public.external

    def _resolve(self, dotted: str, into: Names) -> bool:
        """Find what a configured name means; False when it means nothing."""
        parts = dotted.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = self.sources.resolve(".".join(parts[:length]))
            if module is None:
                continue
            value: Value = ModuleValue(module)
            for part in parts[length:]:
                value = self.interpreter.attribute(value, part)
            found = [target for one in options(value) for target in _targets(one)]
            into.values += [one for one in found if not isinstance(one, External)]
            into.external |= {one.name for one in found if type(one) is External}
            into.values += [one for one in found if isinstance(one, External)]
            return bool(found)
        if len(parts) < 2 or self.sources.resolve(parts[0]) is not None:
            return False
        into.external.add(getattr(self.interpreter.external(dotted), "name", dotted))
        return self._mentioned(parts[0], parts[-1])

    def _mentioned(self, first: str, last: str) -> bool:
        """Say whether some file mentions an external name at all: a typing error does not occur."""
        words = first.encode(), last.encode()
        return any(all(word in module.source for word in words) for module in self.files)

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
        modules = self.sources.modules.values()
        self.broken = [one for one in modules if one.broken is not None or not _compiles(one)]

    def _run_callers(self) -> None:
        """Run files that only call, by its name, a function that registers routes elsewhere."""
        calls = self._registering_calls()
        for module in self.files if calls is not None else []:
            if module.scope is None and calls.search(module.source):
                self.interpreter.run_module(module)

    def _registering_calls(self) -> re.Pattern[bytes] | None:
        """Return what finds calls of the functions that register routes."""
        names = sorted({one.name.encode() for one in self.interpreter.functions})
        if not names:
            return None
        # A short name after a dot is more often a method of something else: set.add(...).
        long = [name for name in names if len(name) > 3] or names
        either = rb"(?<![.\w])(?:" + b"|".join(names) + rb")\(|\.(?:" + b"|".join(long) + rb")\("
        return re.compile(either)

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
        calls = self._registering_calls()
        text = "\n".join(module.text_lines()[node.lineno : last])
        return calls is not None and calls.search(text.encode()) is not None

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
        from .attributes import class_member

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


def _targets(value: Value) -> list[Value]:
    """Return what a configured value stands for: the function behind a Depends or an alias."""
    if isinstance(value, Lazy):
        value = value.force()
    if isinstance(value, Unknown | ModuleValue):
        return []
    if isinstance(value, Depends):
        return [value.target] if value.target is not None else []
    if isinstance(value, Annotated):
        inner = [one for one in value.metadata if isinstance(one, Depends)]
        return _targets(inner[-1]) or [value.base] if inner else []
    if isinstance(value, Bound):
        return [value.function.origin]
    if isinstance(value, Function):
        return [value, value.origin]
    return [value]


def _compiles(module: Module) -> bool:
    """Check the syntax of a file that cannot hold a route, without building its tree in Python."""
    if module.tree is not None or not module.source:
        return True
    import _symtable

    try:
        _symtable.symtable(module.source, module.path, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        module.broken = error if isinstance(error, SyntaxError) else SyntaxError(str(error))
        return False
    return True

