"""Updates: from every release to this tree, on services that teams have changed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "hooks"))
