"""The codes: name, one line, and the page that `--explain` prints."""

from __future__ import annotations


class Rule:
    """One code of the checker, described as ruff describes its own."""

    def __init__(self, code: str, name: str, summary: str, text: str) -> None:
        self.code = code
        self.name = name
        self.summary = summary
        self.text = text

    def page(self) -> str:
        """Return the page in Markdown, as `ruff rule` prints one."""
        return (
            f"# {self.name} ({self.code})\n\nDerived from the **route-auth** linter.\n\n{self.text}"
        )


_RULES = (
    Rule(
        "AUTH001",
        "route-without-authentication",
        "A route has no authentication dependency on at least one include path",
        """## What it does
Checks that every route runs a configured authentication dependency, whichever way it is included.

## Why is this bad?
A forgotten `Depends()` makes a FastAPI route public, and nothing says so: no error, no log line.

## Example

```python
router = APIRouter()


@router.get("/invoices")
async def list_invoices() -> list[Invoice]: ...
```

Use instead:

```python
@router.get("/invoices")
async def list_invoices(user: CurrentUser) -> list[Invoice]: ...
```

or give the dependency to the router or to every `include_router`, or declare the route public
with a reason. A router that is included twice needs it on both ways.

## Fix safety
There is no fix: which guard a route needs is a decision.
""",
    ),
    Rule(
        "AUTH002",
        "unanalysable-registration",
        "A registration cannot be analysed",
        """## What it does
Checks for routes and includes whose router, handler or dependencies are only known at run time.

## Why is this bad?
What cannot be read cannot be reviewed: a route that nobody can see protected may be open.

## Example

```python
for name in os.listdir("plugins"):
    app.include_router(importlib.import_module(f"plugins.{name}").router)
```

Use instead:

```python
for router in (billing.router, users.router):
    app.include_router(router, dependencies=[Depends(get_current_user)])
```

A dependency on the include covers whatever is included, known or not.
""",
    ),
    Rule(
        "AUTH003",
        "route-bypasses-dependencies",
        "A Starlette route, mount, host or static files by-pass dependencies",
        """## What it does
Checks for `add_route`, `@app.route`, `mount`, `host`, `StaticFiles` and route objects of Starlette.

## Why is this bad?
FastAPI's dependencies, those of the app included, do not run for them.

## Example

```python
app = FastAPI(dependencies=[Depends(get_current_user)])
app.mount("/reports", StaticFiles(directory="reports"))
```

Use instead a path operation that sends the file, or declare the mounted app public:

```python
app.mount("/assets", public(reason="style sheets")(StaticFiles(directory="assets")))
```

A mounted FastAPI app is not reported: its own routes are checked, without the outer dependencies.
""",
    ),
    Rule(
        "AUTH004",
        "optional-authentication-only",
        "A route has only an optional authentication dependency",
        """## What it does
Checks for routes whose only authentication dependency lets anonymous requests through.

## Why is this bad?
The handler then decides alone; a branch that forgets to is a public route that looks guarded.

## Example

```python
@router.get("/me")
async def me(user: Annotated[User | None, Depends(get_optional_user)]) -> Profile: ...
```

Use instead a dependency that refuses, or say with `@public(reason="...")` that anonymous requests
are meant to pass.
""",
    ),
    Rule(
        "AUTH005",
        "unexplained-public-route",
        "A route is public without a reason, or public and protected at once",
        """## What it does
Checks that a public declaration carries a reason, and that the route is not also protected.

## Why is this bad?
A reviewer judges the reason. A route that is both says that somebody is mistaken about it.

## Example

```python
@router.get("/status")
@public(reason="")
async def status() -> Status: ...
```

Use instead:

```python
@router.get("/status")
@public(reason="the load balancer asks without credentials")
async def status() -> Status: ...
```
""",
    ),
    Rule(
        "AUTH006",
        "dependency-override-outside-tests",
        "`dependency_overrides` is changed outside tests",
        """## What it does
Checks for writes to `dependency_overrides` in files that are not tests.

## Why is this bad?
An override replaces a dependency everywhere, authentication included, for the whole process.

## Example

```python
if settings.debug:
    app.dependency_overrides[get_current_user] = fake_user
```

Use instead a setting that the dependency itself reads and that production refuses.
""",
    ),
    Rule(
        "AUTH900",
        "cannot-check",
        "A file does not parse, no route was found, or a configured name means nothing",
        """## What it does
Says that the check is not complete: a syntax error, a program without routes, a name in
`[tool.route-auth]` that resolves to nothing.

## Why is this bad?
A check that saw nothing must not look like a check that found nothing. The exit code is 2.
""",
    ),
)
RULES = {rule.code: rule for rule in _RULES}
