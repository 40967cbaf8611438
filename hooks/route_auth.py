#!/usr/bin/env python3
"""Find FastAPI routes without authentication, across a whole program, before it runs.

The checker is the package `_route_auth` beside this file, which Python puts first on the path
of a script: `python hooks/route_auth.py`.
"""

import os
import sys

sys.dont_write_bytecode = False  # compiling the checker anew would double the time of each run

from _route_auth.command import main  # noqa: E402 - the switch comes first

if __name__ == "__main__":
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):  # nobody reads on, or the stream was closed for that
        pass
    os._exit(code)  # taking a million objects apart one by one would cost a tenth of the run
