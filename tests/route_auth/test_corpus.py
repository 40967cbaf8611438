"""Precision and recall on the corpus, whose truth is measured by running it."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest

from .cases import Case, load
from .checking import check
from .running import Truth, measure

CASES = load()
OPEN_CODES = {"AUTH001", "AUTH002", "AUTH003", "AUTH004"}
counts: dict[str, int] = defaultdict(int)
misses: list[str] = []


def compare(
    case: Case, truth: list[Truth], rows: list[dict[str, object]], *, unplaced: bool
) -> list[str]:
    """Count hits and return every difference; a route the checker cannot name counts for any."""
    wrong = []
    nameless = unplaced or any(row["path"] is None and row["verdict"] in OPEN_CODES for row in rows)
    for route in truth:
        listed = [row for row in rows if row["path"] == route.path and _same(row, route)]
        flagged = any(row["verdict"] in OPEN_CODES for row in listed) or (not listed and nameless)
        declared = any(row["verdict"] in {"public", "AUTH005"} for row in listed)
        if route.open and not declared:
            counts["open"] += 1
            counts["found"] += flagged
            if not flagged:
                wrong.append(f"{case.name}: {route.path} is open and was not reported")
        if not route.open:
            counts["closed"] += 1
        if flagged:
            counts["reported"] += 1
            counts["right"] += route.open
            if not route.open:
                wrong.append(f"{case.name}: {route.path} is closed and was reported")
    return wrong


def _same(row: dict[str, object], route: Truth) -> bool:
    methods = row["methods"]
    assert isinstance(methods, list)
    if not route.methods or "*" in methods or "*" in route.methods:
        return methods in (["WEBSOCKET"], ["*"]) or "*" in route.methods
    return bool(route.methods & set(methods))


def test_the_corpus_is_large_enough() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_checker_says_what_the_running_app_does(case: Case, tmp_path: Path) -> None:
    truth = measure(case, tmp_path)
    findings, rows = check(tmp_path)
    assert truth, "the case has no route to ask"
    unplaced = any(one.code == "AUTH002" for one in findings)
    wrong = compare(case, truth, rows, unplaced=unplaced)
    misses.extend(f"{one} ({case.known or 'not known why'})" for one in wrong)
    if case.codes is not None:
        assert {one.code for one in findings} == case.codes
    assert not any(one.code == "AUTH900" for one in findings), [one.message for one in findings]
    if not case.known:
        assert not wrong


def test_precision_and_recall_are_high(capsys: pytest.CaptureFixture[str]) -> None:
    if not counts["open"]:
        pytest.skip("the corpus ran in another process")
    recall = counts["found"] / counts["open"]
    precision = counts["right"] / counts["reported"]
    lines = [
        f"\nroute-auth corpus: {len(CASES)} programs, {counts['open'] + counts['closed']} routes, "
        f"{counts['open']} open; recall {recall:.4f}, precision {precision:.4f}\n",
        *(f"  miss: {one}\n" for one in misses),
    ]
    with capsys.disabled():
        sys.stdout.writelines(lines)
    assert recall >= 0.99
    assert precision >= 0.97
