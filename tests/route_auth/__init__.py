"""Tests of the route checker, imported from hooks/ as it is when it runs as a script."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "hooks"))
