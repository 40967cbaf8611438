#!/usr/bin/env python3
"""Keep secrets out of git: .env files, private keys, the service's own tokens, weak secrets.

Reads what is staged, not what lies in the folder, so that it sees what a commit would hold. It is
the package `_check_secrets` beside this file, which Python puts first on the path of a script:
`python hooks/check_secrets.py`.
"""

import sys

sys.dont_write_bytecode = False  # compiling the check anew would double the time of each run

from _check_secrets.command import main  # noqa: E402 - the switch comes first

if __name__ == "__main__":
    sys.exit(main())
