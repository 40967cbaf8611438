# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""GitHub on a port, for a browser: python -m tests.auth.support.github_server PORT."""

import os
import sys

import uvicorn

from tests.auth.support.github import GitHub
from tests.auth.support.oauth_browser import Person

if __name__ == "__main__":
    port = int(sys.argv[1])
    url = f"http://localhost:{port}"
    github = GitHub(url, url, person=Person("583231", "octo@example.com", verified=True))
    github.client_secret = os.environ["GITHUB_CLIENT_SECRET"]
    uvicorn.run(github.app, host="localhost", port=port, log_level="warning")
