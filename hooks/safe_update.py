#!/usr/bin/env python3
"""Bring a service to a newer release of its template, and say what came of it.

The command is the package `_safe_update` beside this file, which Python puts first on the path of
a script. Standard library only: `python hooks/safe_update.py --help`.
"""

import sys

from _safe_update.command import main

if __name__ == "__main__":
    sys.exit(main())
