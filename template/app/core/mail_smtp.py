# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Mails by SMTP over TLS."""

from email.message import EmailMessage
from typing import Literal, Protocol

import aiosmtplib
from pydantic import SecretStr

from app.core.mail import Mail

# Seconds for the whole conversation with the mail server.
SMTP_TIMEOUT = 10


class SmtpSettings(Protocol):
    """What the sender reads of the settings."""

    smtp_host: str | None
    smtp_port: int
    smtp_username: str | None
    smtp_password: SecretStr | None
    smtp_security: Literal["starttls", "tls", "none"]
    mail_from: str | None


class SmtpMailSender:
    """Sends each mail over a connection of its own; STARTTLS is demanded, not merely tried."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Send one mail.

        Raises:
            OSError: The server cannot be reached, or not in time.
            aiosmtplib.SMTPException: The server refused it.
            ValueError: The address or subject cannot stand in a header.
        """
        settings = self._settings
        password = settings.smtp_password
        await aiosmtplib.send(
            _message(mail, settings.mail_from or ""),
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=SMTP_TIMEOUT,
        )


def _message(mail: Mail, sender: str) -> EmailMessage:
    """Build the message; EmailMessage refuses line breaks in headers, so nobody can add one."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    # Robots that answer mails (holiday notes) leave these alone (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
