"""What services depend on, what the template tests with, and what the seed lock holds agree."""

import ast
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.matrix.questions import ROOT, TEMPLATE, title
from tests.matrix.rendering import Rendering
from tools.seed_lock import NAME, union_pyproject

OURS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


# Nothing imports these by name, and why they are there all the same.
NOT_IMPORTED = {
    "aiosqlite": "SQLAlchemy's driver for sqlite+aiosqlite",
    "asyncpg": "SQLAlchemy's driver for postgresql+asyncpg",
    "email-validator": "pydantic's EmailStr",
    "hiredis": "redis parses with it",
    "httptools": "uvicorn parses with it",
    "python-multipart": "FastAPI reads forms with it",
    "uvicorn": "runs the service",
    "uvloop": "uvicorn's event loop",
}


def declared(pyproject: dict[str, Any]) -> set[str]:
    """Return everything that a pyproject asks for, development included."""
    return {*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]}


def locked(text: str) -> dict[str, str]:
    """Return the version of each package from a registry in a lock file."""
    packages = tomllib.loads(text)["package"]
    return {p["name"]: p["version"] for p in packages if "registry" in p["source"]}


# The harness is the same for all answers; it imports these inside what only Redis' tests call.
ONLY_WITH_REDIS = {"fakeredis", "redis"}
# Pydantic asks for exactly one version of it: a part of Pydantic with a name of its own.
WITH_PYDANTIC = {"pydantic-core"}


def test_one_environment_holds_what_every_combination_declares(
    renderings: list[Rendering],
) -> None:
    everything = set[str]()
    for rendering in renderings:
        everything |= declared(tomllib.loads(rendering.read("pyproject.toml")))
    assert everything == set(OURS["dependency-groups"]["services"])


def test_a_dependency_comes_only_with_the_answer_that_needs_it(
    renderings: list[Rendering],
) -> None:
    for rendering in renderings:
        names = {Requirement(line).name for line in declared_by(rendering)}
        with_redis = rendering.answers["token_revocation"] == "redis"
        for name in ("redis", "hiredis", "limits", "fakeredis"):
            assert (name in names) == with_redis, title(rendering.answers)
        app = {Requirement(line).name for line in app_of(rendering)}
        with_providers = bool(rendering.answers["oauth_providers"])
        for name in ("authlib", "httpx2", "joserfc"):
            assert (name in app) == with_providers, title(rendering.answers)


def app_of(rendering: Rendering) -> list[str]:
    """Return what a rendered service needs to run."""
    found: list[str] = tomllib.loads(rendering.read("pyproject.toml"))["project"]["dependencies"]
    return found


def declared_by(rendering: Rendering) -> set[str]:
    """Return everything that a rendered service asks for."""
    return declared(tomllib.loads(rendering.read("pyproject.toml")))


def test_a_service_declares_exactly_what_it_imports(trees: list[Rendering]) -> None:
    for tree in trees:
        project = tomllib.loads(tree.read("pyproject.toml"))
        app = {Requirement(line).name for line in project["project"]["dependencies"]}
        dev = {Requirement(line).name for line in project["dependency-groups"]["dev"]}
        used = imported(tree, "app/", "migrations/")
        assert used <= app, f"{title(tree.answers)}: not declared"
        assert app - used <= set(NOT_IMPORTED), f"{title(tree.answers)}: not used"
        in_tests = imported(tree, "tests/") - ONLY_WITH_REDIS - WITH_PYDANTIC
        assert in_tests <= app | dev, f"{title(tree.answers)}: not in dev"


def imported(tree: Rendering, *folders: str) -> set[str]:
    """Return the distributions that the Python files of some folders import.

    An import inside a function is for the answers that bring what it names.
    """
    modules = set[str]()
    for path in tree.files:
        if path.startswith(folders) and path.endswith(".py"):
            modules |= modules_in(tree.read(path))
    known = distributions()
    return {canonicalize_name(known[name][0]) for name in modules if name in known}


distributions = cache(packages_distributions)


@cache  # nearly every file is in a hundred trees
def modules_in(text: str) -> set[str]:
    """Return the top-level modules that a Python file imports."""
    modules = set[str]()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module.partition(".")[0])
    return modules


def test_the_seed_lock_locks_what_all_answers_declare() -> None:
    union = tomllib.loads(union_pyproject())
    packages = tomllib.loads((TEMPLATE / "uv.lock").read_text("utf-8"))["package"]
    (root,) = [package for package in packages if "virtual" in package["source"]]
    assert root["name"] == NAME
    asked_for = [*root["metadata"]["requires-dist"], *root["metadata"]["requires-dev"]["dev"]]
    in_lock = {(each["name"], SpecifierSet(each["specifier"])) for each in asked_for}
    wanted = {(r.name, r.specifier) for r in map(Requirement, declared(union))}
    assert in_lock == wanted, "run `make lock`"


def test_both_locks_hold_the_same_versions() -> None:
    # Otherwise the suites would run on other versions than a new service gets.
    ours = locked((ROOT / "uv.lock").read_text("utf-8"))
    seed = locked((TEMPLATE / "uv.lock").read_text("utf-8"))
    assert {name: ours.get(name) for name in seed} == seed, "run `make lock`"


def test_every_dependency_has_a_floor_and_only_fastapi_a_ceiling() -> None:
    for line in OURS["dependency-groups"]["services"]:
        operators = {each.operator for each in Requirement(line).specifier}
        # test_route_agreement.py of the services has seen these releases and no later one.
        wanted = {">=", "<"} if Requirement(line).name == "fastapi" else {">="}
        assert operators == wanted, line


def test_the_template_is_linted_by_the_rules_of_the_services(renderings: list[Rendering]) -> None:
    theirs = tomllib.loads(renderings[0].read("pyproject.toml"))["tool"]
    ours = OURS["tool"]
    for name in ("line-length", "target-version"):
        assert ours["ruff"][name] == theirs["ruff"][name]
    for name in ("select", "ignore"):
        assert ours["ruff"]["lint"][name] == theirs["ruff"]["lint"][name]
    assert ours["mypy"]["enable_error_code"] == theirs["mypy"]["enable_error_code"]
