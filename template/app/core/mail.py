# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""The mail port: what is sent, and who can send it."""

import sys
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Mail:
    """One plain-text mail to one address."""

    to: str
    subject: str
    text: str


class MailSender(Protocol):
    """Hands a mail to the world; `mail_smtp.SmtpMailSender` in production."""

    async def send(self, mail: Mail) -> None:
        """Send one mail, or raise an OSError or a ValueError."""


class LogMailSender:
    """Prints mails for a developer; they hold secrets, so production refuses to start with it."""

    async def send(self, mail: Mail) -> None:
        """Print the mail to standard error: the log never holds an address or a token."""
        sys.stderr.write(f"\n--- mail to {mail.to}: {mail.subject}\n{mail.text}\n---\n")
        sys.stderr.flush()
