"""How fast combinations render, beside the stock command line, and what the last matrix run cost.

python -m benchmarks.rendering; prints figures, fails below the floor.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.matrix.questions import ROOT, combinations
from tests.matrix.rendering import copy_template, distinct_trees, render_all

FLOOR = 7.0  # combinations a second; ten times what the stock command line does
STOCK_RUNS = 3
FIGURES = ROOT / "reports" / "matrix.json"


def main() -> int:
    """Measure and print; return 1 when rendering became too slow."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        began = time.perf_counter()
        renderings = render_all(combinations(), scratch / "rendered")
        rate = len(renderings) / (time.perf_counter() - began)
        stock = 1 / stock_seconds(scratch)
        print(f"combinations          {len(renderings):8}")
        print(f"distinct trees        {len(distinct_trees(renderings)):8}")
        print(f"files in the defaults {len(renderings[0].files):8}")
        print(f"rendered a second     {rate:8.1f}   (floor {FLOOR:.0f})")
        print(f"stock command line    {stock:8.1f}   a second")
    if FIGURES.exists():
        figures = json.loads(FIGURES.read_text("utf-8"))
        counts = f"{figures['tests_passed']} passed, {figures['tests_failed']} failed"
        print(f"last matrix run       {figures['total_seconds']:8.0f} s ({counts})")
    else:
        print("last matrix run           none yet: make test")
    return 0 if rate >= FLOOR else 1


def stock_seconds(scratch: Path) -> float:
    """Return the seconds that one rendering of the defaults by `copier copy` takes, at best."""
    template = copy_template(scratch / "template")
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", str(template)]
    settings = scratch / "settings.yml"
    settings.write_text("{}\n")
    times = []
    for number in range(STOCK_RUNS):
        began = time.perf_counter()
        environment = {**os.environ, "COPIER_SETTINGS_PATH": str(settings)}
        target = str(scratch / f"stock-{number}")
        subprocess.run([*command, target], check=True, env=environment)
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
