"""The figures of sessions as JSON and as tables in Markdown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.speed.report import PAGE, ROOT, with_figures

FIGURES = ROOT / "reports" / "sessions.json"
BEGIN = "<!-- figures of sessions: written by make bench-sessions -->"
END = "<!-- end of the figures of sessions -->"
# What was promised: milliseconds for 99 of 100 logouts, by the state of the workers; the p99 of
# another route under a flood of logins as a multiple of its own; MiB that the flood may take.
LOGOUT_AIMS: Mapping[str, float] = {"idle": 10, "saturated": 100, "one stopped": 5_500}
FLOOD_AIM, MEMORY_AIM = 1.5, 150

Row = Mapping[str, Any]


def write(
    logouts: Sequence[Row],
    logins: Row,
    refreshes: Sequence[Row],
    circumstances: Row,
    *,
    docs: bool,
) -> None:
    """Write reports/sessions.json, and the section of the documentation."""
    content = {
        "machine": circumstances,
        "logout": logouts,
        "login_flood": logins,
        "refresh": refreshes,
        "missed": missed(logouts, logins),
    }
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(content, indent=2) + "\n")
    text = tables(logouts, logins, refreshes)
    print(text)
    if docs:
        page = with_figures(PAGE.read_text(), f"{about(circumstances)}\n\n{text}", BEGIN, END)
        PAGE.write_text(page)


def missed(logouts: Sequence[Row], logins: Row) -> list[str]:
    """Return each aim that was missed, with its figure."""
    found = [
        f"logout, {each['check']}, {each['workers']}: p99 {each['p99_ms']} ms"
        for each in logouts
        if each["p99_ms"] > LOGOUT_AIMS[each["workers"]]
    ]
    if logins["p99_ratio"] > FLOOD_AIM:
        found.append(f"logins: p99 of another route {logins['p99_ratio']} times its own")
    if logins["memory_grown_mib"] > MEMORY_AIM:
        found.append(f"logins: {logins['memory_grown_mib']} MiB")
    return found


def about(circumstances: Row) -> str:
    """Return one sentence on the machine and the run."""
    packages = ", ".join(f"{name} {number}" for name, number in circumstances["packages"].items())
    return (
        f"Taken on {circumstances['taken']}: {circumstances['processors']} processors "
        f"({circumstances['processor']}); Python {circumstances['python']}, {packages}."
    )


def tables(logouts: Sequence[Row], logins: Row, refreshes: Sequence[Row]) -> str:
    """Return everything as tables in Markdown."""
    return "\n\n".join([_logouts(logouts), _logins(logins), _refreshes(refreshes)])


def _logouts(rows: Sequence[Row]) -> str:
    lines = [
        "| logout | workers | n | p50 ms | p99 ms | max ms | aim for p99 | SQL |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{each['check']}` | {each['workers']} | {_times(each)} | "
        f"{LOGOUT_AIMS[each['workers']]:g} | {each['statements']} |"
        for each in rows
    ]
    return "\n".join(lines)


def _logins(found: Row) -> str:
    statuses = ", ".join(f"{number} of {status}" for status, number in found["statuses"].items())
    return "\n".join(
        [
            "| beside 40 logins at once | n | p50 ms | p99 ms | max ms |",
            "|---|---|---|---|---|",
            f"| another route, nobody logs in | {_times(found['quiet'])} |",
            f"| another route, under the flood | {_times(found['flooded'])} |",
            f"| the logins themselves | {_times(found['logins'])} |",
            "",
            f"Under the flood the other route's p50 is {found['p50_ratio']} times its own and its "
            f"p99 {found['p99_ratio']} times (aim: {FLOOD_AIM}). The server grew by "
            f"{found['memory_grown_mib']} MiB (aim: {MEMORY_AIM}). Answers to the logins: "
            f"{statuses}; {found['logins_a_second']} logins a second.",
        ]
    )


def _refreshes(rows: Sequence[Row]) -> str:
    lines = [
        "| refresh | sessions at a time | n | p50 ms | p99 ms | max ms | a second | SQL |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each['database']} | {each['sessions']} | {_times(each)} | {each['rate']} | "
        f"{each['statements']} |"
        for each in rows
    ]
    return "\n".join(lines)


def _times(each: Row) -> str:
    cells = (each["p50_ms"], each["p99_ms"], each["max_ms"])
    return " | ".join([str(each["n"]), *(f"{cell:.2f}" for cell in cells)])
