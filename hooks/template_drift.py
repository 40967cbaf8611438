#!/usr/bin/env python3
"""Hold a service against the template: owned files that are missing or changed, edited answers.

A deleted or changed file of the template gets no fix from `copier update`, or a conflict; this
says so in milliseconds, offline. It is the package `_template_drift` beside this file, which
Python puts first on the path of a script: `python hooks/template_drift.py`.
"""

import sys

sys.dont_write_bytecode = False  # compiling the check anew would double the time of each run

from _template_drift.command import main  # noqa: E402 - the switch comes first

if __name__ == "__main__":
    sys.exit(main())
