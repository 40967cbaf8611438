"""Command lines behind the Makefile: the demo, the ownership manifest, the seed lock."""

import sys
from pathlib import Path

# The checks in hooks/ find each other from there, as when one of them runs as a script.
sys.path.insert(0, str(Path(__file__).parents[1] / "hooks"))
