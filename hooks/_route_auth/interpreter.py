"""The state of one interpretation: modules run once, conditions on the way, and what was seen."""

from __future__ import annotations

from . import attributes, calls, expressions, statements
from .arguments import Site
from .markers import Public
from .names import external
from .objects import Bound, Class, Function, Instance
from .scope import Scope
from .values import Constant, Lazy, ModuleValue, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import syntax as ast
    from .arguments import Arguments
    from .config import Config
    from .modules import Module
    from .routers import Router
    from .sources import Sources

MAX_DEPTH = 60  # calls inside calls; deeper is a recursion that only data would end
MAX_RECURSION = 2  # times that a function may stand in its own way
MAX_RUNS = 400  # runs of one function from one place: more than a program has tables
MAX_STEPS = 500_000  # statements in all: twenty times what the largest program tried needs


class Interpreter:
    """Runs modules abstractly: every arm of a condition, every import, no side effect."""

    def __init__(self, sources: Sources, config: Config) -> None:
        self.sources = sources
        self.config = config
        self.routers: list[Router] = []
        self.problems: list[tuple[str, Site, str]] = []
        self.conditions: list[tuple[int, int, int]] = []
        self.steps = 0
        self.stack: list[ast.AST] = []  # the functions being run
        self.origin: Site | None = None  # the decorator on whose behalf something registers
        self.wrapping: list[tuple[Function, Arguments]] = []  # the calls being followed
        self.assumed: dict[int, tuple[Value, Router]] = {}  # what is used as a router
        self.later: list[tuple[Value, Arguments, Site]] = []  # start-up work, run at the end
        self.dynamic: list[Router] = []  # stand for routers of the program that are not known
        self.functions: list[Function] = []
        self.classes: list[Class] = []
        self.instances: list[Instance] = []
        self.public: list[Value] = []  # the configured markers of the program
        self.public_names: set[str] = set()  # and those from outside it
        self.unknown_methods: list[tuple[Router, Site]] = []  # getattr(router, unknown)
        self.runs: dict[tuple[int, int], int] = {}  # how often a function was run from one place
        self.called: set[int] = set()

    def run_module(self, module: Module) -> Scope:
        """Run a module's body once and return its names."""
        if module.scope is None:
            scope = module.scope = Scope(module, None)
            scope.variables["__name__"] = Constant(module.name)
            if module.path.endswith(".py"):
                conditions, self.conditions = self.conditions, []
                origin, self.origin = self.origin, None
                wrapping, self.wrapping = self.wrapping, []
                module.running = True
                try:
                    self.run_body(module.parse().body, scope)
                except RecursionError:
                    site = Site(module, module.parse())
                    self.problem("AUTH002", site, "its expressions are nested too deeply")
                module.running = False
                self.conditions, self.origin, self.wrapping = conditions, origin, wrapping
        return module.scope

    def run_body(self, body: list[ast.stmt], scope: Scope) -> str | None:
        """Run statements in order; return the word that ended them early, or None."""
        return statements.run_body(self, body, scope)

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """Return what an expression stands for."""
        return expressions.evaluate(self, node, scope)

    def attribute(self, value: Value, name: str) -> Value:
        """Return `value.name`."""
        return attributes.get(self, value, name)

    def call(self, value: Value, arguments: Arguments, site: Site) -> Value:
        """Return what calling a value gives; the effects on routers are recorded."""
        return calls.call(self, value, arguments, site)

    def module_attribute(self, module: Module, name: str) -> Value:
        """Return a name of a module: its variable, its submodule, or unknown."""
        scope = self.run_module(module)
        value = scope.variables.get(name)
        if value is None:
            child = self.sources.relative(module, 1, name) if module.is_package else None
            if child is not None:
                return ModuleValue(child)
            value = self._ahead(module, name) if module.running else None
        if isinstance(value, Lazy):
            value = value.force()
        if value is None and "__getattr__" in scope.variables:
            return Unknown(f"{module.name}.{name} is made by __getattr__")
        return value or Unknown(f"{module.name} has no name {name}")

    def _ahead(self, module: Module, name: str) -> Value | None:
        """Define a function or class that stands further down in a module still running."""
        for node in module.parse().body:
            if getattr(node, "name", None) == name and module.scope is not None:
                self.run_body([node], module.scope)
                return module.scope.variables.get(name)
        return None

    def define(self, function: Function) -> Function:
        """Remember a function that registers something, in case nothing is seen to call it."""
        node = function.node
        if function.scope.module.registers(node.lineno, node.end_lineno or node.lineno):
            self.functions.append(function)
        return function

    def problem(self, code: str, site: Site, message: str) -> None:
        """Record a finding that is about one place and no route."""
        self.problems.append((code, site, message))

    def decorate(self, by: Value, value: Value, site: Site) -> Value:
        """Return what a decorator makes of a function or class."""
        return calls.decorate(self, by, value, site)

    def step(self) -> bool:
        """Count one step; False when there were more than any program needs."""
        self.steps = min(self.steps + 1, MAX_STEPS)
        return self.steps < MAX_STEPS

    def too_much(self, function: Function, site: Site) -> bool:
        """Say whether a call must not be followed: recursion, or more work than any program has."""
        key = id(function.node), id(site.node)
        runs = self.runs[key] = self.runs.get(key, -1) + 1
        if runs == MAX_RUNS and function in self.functions:
            self.problem("AUTH002", site, f"more calls of `{function.name}` than are followed")
        deep = len(self.stack) > MAX_DEPTH or self.stack.count(function.node) > MAX_RECURSION
        return deep or runs >= MAX_RUNS or self.steps >= MAX_STEPS

    def public_marker(self, function: Function, arguments: Arguments, site: Site) -> Value | None:
        """Return the marker when a configured `public` is called, else None."""
        if function.origin not in self.public:
            return None
        direct = arguments.positional[0] if len(arguments.positional) == 1 else None
        if isinstance(direct, Function | Class | Bound):  # @public without its brackets
            direct.public = Public(site, has_reason=False)
            return direct
        reason = arguments.get("reason", 0)
        empty = isinstance(reason, Constant) and not str(reason.value or "").strip()
        return Public(site, has_reason=reason is not None and not empty)

    def external(self, name: str) -> Value:
        """Return the value of a name that the program does not define."""
        return external(name)
