"""The figures of a run as JSON, as a table and as a plot."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path

from benchmarks.speed.measuring import Figures
from benchmarks.speed.variants import BARE

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "reports" / "bench.json"
PAGE = ROOT / "docs" / "explanation" / "speed.md"
PLOT = ROOT / "docs" / "static" / "speed.svg"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
IMAGE = """```{image} ../static/speed.svg
:alt: Throughput of a guarded route as a share of the bare one
:width: 100%
```
"""
PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "pyjwt", "sqlalchemy", "redis")
BAR, LINE, LEFT, WIDTH = 400, 22, 260, 720  # pixels


def machine() -> dict[str, object]:
    """Return what the figures depend on, and nothing that names the machine."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "taken": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": model,
        "processors": os.cpu_count(),
        "busy_processors": round(os.getloadavg()[1], 1),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def write(
    figures: Sequence[Figures],
    circumstances: Mapping[str, object],
    failed: Mapping[str, str],
    *,
    docs: bool,
) -> None:
    """Write reports/bench.json, and the page and plot of the documentation."""
    rows = {each.variant.name: each.row() for each in figures}
    content = {
        "machine": circumstances,
        "ratio_to_bare": {name: row["ratio"] for name, row in rows.items()},
        "p99_to_bare": {name: row["p99_ratio"] for name, row in rows.items()},
        "cpu_ratio_to_bare": {name: row["cpu_ratio"] for name, row in rows.items()},
        "figures": rows,
        "failed": failed,
    }
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(content, indent=2) + "\n")
    text = table(figures)
    print(text)
    if docs:
        PAGE.write_text(
            with_figures(PAGE.read_text(), f"{IMAGE}\n{about(circumstances)}\n\n{text}")
        )
        PLOT.write_text(plot(figures))


def with_figures(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """Return a page with the figures between two marks replaced.

    Raises:
        ValueError: the page does not say where they stand.
    """
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError("the page does not say where its figures stand")
    return f"{before}{begin}\n{text}\n{end}{after}"


def about(circumstances: Mapping[str, object]) -> str:
    """Return one sentence on the machine and the run."""
    told = dict(circumstances)
    packages = told["packages"]
    assert isinstance(packages, dict)
    versions = ", ".join(f"{name} {number}" for name, number in packages.items())
    return (
        f"Taken on {told['taken']}: {told['processors']} processors ({told['processor']}), "
        f"{told['busy_processors']} of them busy; Python {told['python']}, {versions}; "
        f"{told['rounds']} rounds of {told['seconds']} s for each variant."
    )


def table(figures: Sequence[Figures]) -> str:
    """Return all figures as a table in Markdown."""
    lines = [
        "| variant | connections | workers | remembered | ratio to bare | p50 ms | p99 ms | p99 to "
        "bare | requests a second | CPU µs a request | CPU ratio |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in figures:
        variant, row = each.variant, each.row()
        knows_callers = variant.answers and variant.caller != "nobody"
        remembered = f"{variant.hits:.0%}" if knows_callers else ""
        title = variant.title + (", access log" if variant.logs else "")
        lines.append(
            f"| {title} | {variant.connections} | {variant.workers} | {remembered} | "
            f"**{row['ratio']:.2f}** | {row['p50_ms']:.2f} | {row['p99_ms']:.2f} | "
            f"{row['p99_ratio']:.2f} | {row['rate']:.0f} | {row['cpu_us']:.0f} | "
            f"{row['cpu_ratio']:.2f} |"
        )
    return "\n".join(lines)


def plot(figures: Sequence[Figures]) -> str:
    """Return the ratios of the main group as an SVG of bars."""
    found = {  # the bare route is one row, though another group measures it too
        (each.variant.title.replace("`", ""), each.row()["ratio"], bool(each.variant.answers))
        for each in figures
        if each.variant.baseline == BARE and each.variant.hits == 1
    }
    rows = sorted(found, key=lambda row: (-row[1], row[0]))
    height = LINE * len(rows) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>Throughput of a guarded route as a share of the bare one</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, (title, ratio, ours) in enumerate(rows):
        top, length = 10 + number * LINE, round(BAR * min(ratio, 1.1))
        colour = "#1f6f5c" if ours else "#b9bec4"
        parts += [
            f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(title)}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{length}" height="{LINE - 5}" fill="{colour}"/>',
            f'<text x="{LEFT + length + 5}" y="{top + 14}">{ratio:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
