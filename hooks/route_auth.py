#!/usr/bin/env python3
"""Find FastAPI routes without authentication, across a whole program, before it runs.

The checker is the package `_route_auth` beside this file, which Python puts first on the path
of a script: `python hooks/route_auth.py`.
"""

import sys

from _route_auth.command import main

if __name__ == "__main__":
    sys.exit(main())
