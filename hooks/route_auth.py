#!/usr/bin/env python3
"""Find FastAPI routes without authentication, across a whole program, before it runs.

The checker itself is the package beside this file; this one keeps the command short:
`python hooks/route_auth.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _route_auth.command import main  # noqa: E402  (the path comes first)

if __name__ == "__main__":
    sys.exit(main())
