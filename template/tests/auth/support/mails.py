# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A mail sender that keeps what it is given."""

import re

from app.core.mail import Mail

# A mailed secret: 256 bits in base64url (semantics of the service: every mailed secret is one).
SECRET = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")


class KeptMails:
    """Stands where the SMTP sender stands in production."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.fails = False

    async def send(self, mail: Mail) -> None:
        """Keep a mail, or fail as an unreachable server does."""
        if self.fails:
            raise ConnectionRefusedError
        self.sent.append(mail)

    def to(self, address: str) -> list[Mail]:
        """Return the mails to one address, oldest first."""
        return [mail for mail in self.sent if mail.to == address]


def secret_in(mail: Mail) -> str:
    """Return the single-use secret in a mail."""
    found = SECRET.search(mail.text)
    assert found, f"no secret in the mail {mail.subject!r}"
    return found.group()
