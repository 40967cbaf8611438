#!/usr/bin/env python3
"""Find FastAPI routes without authentication, across a whole program, before it runs.

The checker is the package `_route_auth` beside this file, which Python puts first on the path
of a script: `python hooks/route_auth.py`.
"""

import sys

sys.dont_write_bytecode = False  # compiling the checker anew would double the time of each run

from _route_auth.command import main  # noqa: E402 - the switch comes first

if __name__ == "__main__":
    sys.exit(main())
