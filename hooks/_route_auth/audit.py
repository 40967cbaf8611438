"""Every route on every include path: what protects it, and which path is the weakest."""

from __future__ import annotations

from .arguments import Site
from .markers import Public
from .objects import Bound, Function, innermost
from .protection import describe
from .routers import Include, Route, Router
from .strength import NO, REQUIRED, Strength, strongest
from .values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .program import Program

    Source = tuple[str, Strength, Site]  # what was looked at, what it gave, where

MAX_PATHS = 2000  # include paths of one router; more differ in nothing that matters


class Verdict:
    """One route on its weakest include path.

    Attributes:
        level: NOTHING, OPTIONAL, UNKNOWN or REQUIRED.
        by: The strongest protection on that path and where it stands, when there is one.
        checked: Everything that was looked at, in order.
    """

    __slots__ = ("by", "checked", "level", "path", "public", "route", "router", "where")

    def __init__(self, route: Route, router: Router, path: str | None) -> None:
        self.route = route
        self.router = router
        self.path = path
        self.level = 0
        self.by = ""
        self.where: Site | None = None
        self.checked: list[str] = []
        self.public: Public | None = None

    @property
    def name(self) -> str:
        """Method and path, for people."""
        methods = ",".join(self.route.methods) or "*"
        return f"{methods} {self.path if self.path is not None else '(path not known)'}"


class Audit:
    """The verdicts of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.judge = program.judge
        self.module_only = program.config.scope == "module"
        self.routers = program.interpreter.routers
        self.served_by: dict[int, list[tuple[Include, ...]]] = {}
        apps = any(one.kind in {"app", "starlette", "assumed"} for one in self.routers)
        self.everything = not apps
        self.verdicts = list(self._verdicts())

    def _verdicts(self) -> Iterator[Verdict]:
        for router in self.routers:
            if router.routes:
                paths = self.paths(router)
                for route in router.routes:
                    if not self.program.config.excludes(route.site.module.path):
                        yield from self._judge(route, router, paths)

    def paths(self, router: Router) -> list[tuple[Include, ...]]:
        """Return the chains of includes that lead from a router up to something that serves."""
        known = self.served_by.get(id(router))
        if known is not None:
            return known
        self.served_by[id(router)] = []  # an include that leads back to itself adds nothing
        found: list[tuple[Include, ...]] = []
        for edge in router.included_in:
            found += [(edge, *above) for above in self.paths(edge.parent)]
        if not router.included_in and router.kind == "router":
            # What includes a router that is not known may include this one.
            for opaque in self.program.interpreter.dynamic:
                found += self.paths(opaque)
        root = router.kind in {"app", "starlette", "assumed"} or self.everything
        if root and not found:
            found.append(())
        self.served_by[id(router)] = found[:MAX_PATHS]
        return self.served_by[id(router)]

    def _judge(
        self, route: Route, router: Router, paths: list[tuple[Include, ...]]
    ) -> Iterator[Verdict]:
        """Yield one verdict for each path the route is served under, at its weakest."""
        own = list(self._own(route, router))
        worst: dict[str | None, Verdict] = {}
        for chain in paths:
            verdict = Verdict(route, router, full_path(route, chain))
            verdict.public = public_mark(route.handler)
            self._weigh(verdict, [*own, *self._above(route, chain)])
            held = worst.get(verdict.path)
            if held is None or verdict.level < held.level:
                worst[verdict.path] = verdict
        yield from worst.values()

    def _weigh(self, verdict: Verdict, sources: list[Source]) -> None:
        home = verdict.route.site.module
        if self.module_only:
            sources = [one for one in sources if one[2].module is home]
        best = strongest(strength for _, strength, _ in sources)
        verdict.level = best.level
        verdict.by = best.by
        verdict.checked = [what for what, _, _ in sources]
        verdict.where = next((site for _, strength, site in sources if strength is best), None)

    def _own(self, route: Route, router: Router) -> Iterator[Source]:
        """What the handler, its decorator and its router give."""
        judge, handler = self.judge, route.handler
        if route.kind in {"http", "websocket", "starlette"}:
            function = innermost(handler)
            public = public_mark(handler) is not None  # a login may well authenticate in its body
            if route.kind == "starlette":
                strength = self._plain(handler) if not public else NO
            else:
                strength = judge.handler(handler, body=not public)
            if strength.level < REQUIRED and not public:
                strength = strongest([strength, judge.wrapped_by(route.applied)])
            site = route.site
            if isinstance(function, Function):
                site = Site(function.origin.scope.module, function.origin.node)
            yield f"handler `{describe(handler)}`", strength, site
        if route.kind in {"http", "websocket", "frontend"}:
            yield "route decorator", judge.of(route.dependencies), route.site
            what = "app" if router.kind == "app" else "router"
            yield f"{what} at {router.site}", judge.of(route.inherited), router.site
        if route.kind == "opaque":
            yield f"include at {route.site}", judge.of(route.inherited), route.site

    def _plain(self, handler: Value) -> Strength:
        """A Starlette endpoint has no dependencies: only a wrapper or its body authenticates."""
        from .bodies import authenticates

        found = self.judge.decorators(handler)
        if found.level < REQUIRED and authenticates(self.judge, handler):
            return Strength(REQUIRED, f"{describe(handler)}, in its body")
        return found

    def _above(self, route: Route, chain: tuple[Include, ...]) -> Iterator[Source]:
        """What each include on the way up gives; nothing passes a mount, or reaches Starlette's."""
        if route.kind in {"starlette", "mount", "host"}:
            return
        for edge in chain:
            if edge.kind == "mount":
                yield f"mount at {edge.site} (dependencies do not pass it)", NO, edge.site
                return
            if edge.kind == "include":
                strength = self.judge.of(edge.dependencies)
                yield f"include at {edge.site}", strength, edge.site
                what = "app" if edge.parent.kind == "app" else "router"
                inherited = self.judge.of(edge.inherited)
                yield f"{what} at {edge.parent.site}", inherited, edge.parent.site


def full_path(route: Route, chain: tuple[Include, ...]) -> str | None:
    """Return the path with the prefixes of a chain, or None when a part is not known."""
    path = route.path
    for edge in chain:
        path = None if path is None or edge.prefix is None else edge.prefix + path
    return path


def public_mark(value: Value) -> Public | None:
    """Return the mark that `public(reason=...)` left on a handler or a mounted app."""
    if value.public is None and isinstance(value, Bound):
        return value.function.public
    if value.public is None and isinstance(value, Function) and value.wrapped is not None:
        return public_mark(value.wrapped)
    return value.public
