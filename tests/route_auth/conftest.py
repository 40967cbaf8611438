"""The checker's package, importable as it is when it runs as a script."""

import sys
from pathlib import Path

HOOKS = Path(__file__).parents[2] / "hooks"
sys.path.insert(0, str(HOOKS))
