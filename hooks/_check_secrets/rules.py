"""What counts as a secret, and what to do when one was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple  # dataclasses would cost a quarter of the time of a run

REMOVE = "Take it out of the commit (`git rm --cached PATH`, or edit and `git add` again)"
ONCE_PUSHED = "once it was pushed it is known, so replace it"

# Each rule: what was found, and what to do.
RULES: Mapping[str, tuple[str, str]] = {
    "env-file": (
        "a file of settings with their secrets",
        f"{REMOVE}; .gitignore names it. Every secret in it: {ONCE_PUSHED}.",
    ),
    "private-key": ("a private key", f"{REMOVE}; {ONCE_PUSHED}."),
    "key-store": ("a store of private keys", f"{REMOVE}; {ONCE_PUSHED}."),
    "database": (
        "a SQLite database: accounts, password hashes, sealed signing keys",
        f"{REMOVE}; .gitignore names *.db.",
    ),
    "api-key": (
        "an API key of a Gatehouse service, its checksum is right",
        f"{REMOVE}, and revoke it where it was made: {ONCE_PUSHED}.",
    ),
    "access-token": (
        "an access token",
        f"{REMOVE}. It expires by itself, but its session may be alive: log it out.",
    ),
    "secret-value": (
        "a secret with a value",
        "Leave the value out: the environment or a file in SECRETS_DIR gives it where the service"
        f" runs. {REMOVE}; {ONCE_PUSHED}.",
    ),
    "known-secret": (
        "a published example of a secret, which every attacker tries first",
        "Let `python -m app bootstrap` make one.",
    ),
    "allow": (
        "an exception that is wrong",
        "Write `check-secrets: allow WHY` beside the line or above it, or"
        ' "PATH" = "WHY" in [tool.gatehouse.secrets] of pyproject.toml.',
    ),
}


class Finding(NamedTuple):
    """One secret in one file; it never holds the secret itself.

    Attributes:
        path: the file.
        line: counted from 1; 0 for the file as a whole.
        rule: a name of RULES.
        detail: more words, such as the name of the setting.
    """

    path: str
    line: int
    rule: str
    detail: str = ""

    @property
    def message(self) -> str:
        """What was found."""
        return f"{RULES[self.rule][0]}{f' ({self.detail})' if self.detail else ''}"

    @property
    def help(self) -> str:
        """What to do."""
        return RULES[self.rule][1]
