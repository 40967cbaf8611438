"""The ASVS data is complete, names what exists and is shown by SECURITY.md, as are its lists."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.expectations import optional
from tests.matrix.questions import ROOT, TEMPLATE
from tools.asvs import SECURITY, counts, levels, problems, requirements, updated

CONTROLS = ROOT / "docs" / "security" / "controls.md"


def calls(function: str) -> Iterator[ast.Call]:
    """Yield every call of a function in the service's code."""
    for file in sorted((TEMPLATE / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
                yield node


def constants(node: ast.expr) -> set[str]:
    """Return the texts that an expression can be."""
    values = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return {value for value in values if isinstance(value, str)}


def test_every_requirement_has_an_answer_and_every_named_test_exists() -> None:
    assert list(problems(requirements(), levels())) == []


def test_the_tables_of_security_md_are_fresh() -> None:
    text = SECURITY.read_text("utf-8")
    assert text == updated(text, requirements()), "run `make asvs`"


def test_faults_of_the_data_are_found() -> None:
    good, *rest = requirements()
    wanted = levels()
    test = "tests/auth/test_guard.py::test_a_forgotten_route_stops_the_start"
    faults = {
        "is missing": rest,
        "is not in": [replace(good, id="V99.1.1"), good, *rest],
        "has level": [replace(good, level=3), *rest],
        "has no test": [replace(good, tests=(), not_applicable="", open=""), *rest],
        "two things": [replace(good, not_applicable="No.", tests=(test,)), *rest],
        "does not exist": [replace(good, not_applicable="", tests=(f"{test}_or_not",)), *rest],
        "controls.md#nowhere": [
            replace(good, not_applicable="", document="docs/security/controls.md#nowhere"),
            *rest,
        ],
    }
    for fault, entries in faults.items():
        assert [found for found in problems(entries, wanted) if fault in found], fault
    with pytest.raises(ValueError, match="markers"):
        updated("# Security\n", rest)


def test_levels_are_counted_whole() -> None:
    rows = [line.split(" | ") for line in counts(requirements()).splitlines()[2:]]
    for row, level in zip(rows, (1, 2, 3), strict=True):
        *cells, total = [int(cell.strip("| ")) for cell in row[1:]]
        assert sum(cells) == total == list(levels().values()).count(level)


def test_a_proof_that_some_answers_leave_out_says_so_or_has_another() -> None:
    depends = optional()
    for entry in requirements():
        always = [test for test in entry.tests if test.partition("::")[0] not in depends]
        assert always or entry.note or not entry.tests, entry.id


def test_the_log_inventory_names_every_event() -> None:
    logged = {name for call in calls("security_event") for name in constants(call.args[0])}
    section = CONTROLS.read_text("utf-8").partition("## What is logged")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == logged


def test_the_table_of_limits_says_what_the_code_says() -> None:
    seconds = {"FIVE_MINUTES": 300, "HOUR": 3600}
    limits = {
        (str(ast.literal_eval(name)), ast.literal_eval(amount), seconds[ast.unparse(window)])
        for name, amount, window in (call.args for call in calls("Limit"))
    }
    section = CONTROLS.read_text("utf-8").partition("## Limits")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \|", section, re.MULTILINE)
    assert {(name, int(amount), int(window)) for name, amount, window in rows} == limits


def test_every_locked_package_has_hashes_and_one_source() -> None:
    # Two sources, or a package without a hash, are how a foreign package gets in (ASVS 15.2.4).
    for lock in (ROOT / "uv.lock", TEMPLATE / "uv.lock"):
        packages = tomllib.loads(lock.read_text("utf-8"))["package"]
        foreign = [each for each in packages if "registry" in each["source"]]
        assert len(foreign) >= len(packages) - 1
        assert len({each["source"]["registry"] for each in foreign}) == 1
        for each in foreign:
            files = [*each.get("wheels", []), *([each["sdist"]] if "sdist" in each else [])]
            assert files, each["name"]
            assert all(file["hash"].startswith("sha256:") for file in files), each["name"]
