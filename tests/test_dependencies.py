"""What services depend on, what the template tests with, and what the seed lock holds agree."""

import tomllib
from typing import Any

from packaging.requirements import Requirement

from tests.matrix.questions import ROOT, TEMPLATE, title
from tests.matrix.rendering import Rendering
from tools.seed_lock import NAME, union_pyproject

OURS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def declared(pyproject: dict[str, Any]) -> set[str]:
    """Return everything that a pyproject asks for, development included."""
    return {*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]}


def locked(text: str) -> dict[str, str]:
    """Return the version of each package from a registry in a lock file."""
    packages = tomllib.loads(text)["package"]
    return {p["name"]: p["version"] for p in packages if "registry" in p["source"]}


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


def declared_by(rendering: Rendering) -> set[str]:
    """Return everything that a rendered service asks for."""
    return declared(tomllib.loads(rendering.read("pyproject.toml")))


def test_the_seed_lock_locks_what_all_answers_declare() -> None:
    union = tomllib.loads(union_pyproject())
    packages = tomllib.loads((TEMPLATE / "uv.lock").read_text("utf-8"))["package"]
    (root,) = [package for package in packages if "virtual" in package["source"]]
    assert root["name"] == NAME
    asked_for = [*root["metadata"]["requires-dist"], *root["metadata"]["requires-dev"]["dev"]]
    in_lock = {(each["name"], each["specifier"]) for each in asked_for}
    wanted = {(r.name, str(r.specifier)) for r in map(Requirement, declared(union))}
    assert in_lock == wanted, "run `make lock`"


def test_both_locks_hold_the_same_versions() -> None:
    # Otherwise the suites would run on other versions than a new service gets.
    ours = locked((ROOT / "uv.lock").read_text("utf-8"))
    seed = locked((TEMPLATE / "uv.lock").read_text("utf-8"))
    assert {name: ours.get(name) for name in seed} == seed, "run `make lock`"


def test_every_dependency_has_a_floor() -> None:
    for line in OURS["dependency-groups"]["services"]:
        assert [each.operator for each in Requirement(line).specifier] == [">="], line


def test_the_template_is_linted_by_the_rules_of_the_services(renderings: list[Rendering]) -> None:
    theirs = tomllib.loads(renderings[0].read("pyproject.toml"))["tool"]
    ours = OURS["tool"]
    for name in ("line-length", "target-version"):
        assert ours["ruff"][name] == theirs["ruff"][name]
    for name in ("select", "ignore"):
        assert ours["ruff"]["lint"][name] == theirs["ruff"]["lint"][name]
    assert ours["mypy"]["enable_error_code"] == theirs["mypy"]["enable_error_code"]
